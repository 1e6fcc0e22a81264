//! Connections and their hooks: rows S1-S61 of the feature list, over a real socket.

mod admission;
mod answer;
mod auth;
mod blame;
mod bodies;
mod broadcast;
mod close;
mod connection;
mod entrance;
mod errors;
mod extract;
mod hooks;
mod http;
mod leaks;
mod lifecycle;
mod log;
mod manage;
mod messages;
mod mount;
mod names;
mod origins;
mod protocol;
mod tags;
mod tokens;
