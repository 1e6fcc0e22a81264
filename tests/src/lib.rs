//! What the behaviour tests of `agents` share: a server on a free port and a plain client.

mod client;
mod server;

pub use client::{Client, Received};
pub use server::TestServer;
