//! The client against a scripted server.

mod calls;
mod connection;
mod state;
mod support;
