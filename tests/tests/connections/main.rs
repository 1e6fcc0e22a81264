//! Connections and their hooks: rows S1 to S61 of docs/compatibility.md, over a real socket.

mod access;
mod errors;
mod http;
mod lifecycle;
mod messages;
mod names;
mod support;
