//! The lifecycle of an agent and of a connection: start, hooks, and close.

pub(super) mod close;
pub(super) mod connection;
pub(super) mod connection_list;
pub(super) mod hooks;
pub(super) mod start;
