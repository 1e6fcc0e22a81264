//! Connections and their hooks: rows S1-S61 of the feature list, over a real socket.

mod access;
mod errors;
mod http;
mod lifecycle;
mod messages;
mod names;
mod support;
