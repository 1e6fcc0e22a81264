//! Connections and their hooks: rows S1-S61 of the feature list, over a real socket.

mod answer;
mod auth;
mod broadcast;
mod close;
mod connection;
mod errors;
mod hooks;
mod http;
mod lifecycle;
mod log;
mod manage;
mod messages;
mod mount;
mod protocol;
mod tags;
