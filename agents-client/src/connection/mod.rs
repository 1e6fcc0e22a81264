//! The connection of a client to an agent: its address, its frames, and how it comes back after a loss.
//!
//! `session` has every rule and no I/O; `worker` has the socket.
//! Nothing in here knows the methods of an agent.

pub(super) mod address;
pub(super) mod close;
pub(super) mod frame;
pub(super) mod inner;
pub(super) mod reconnect;
pub(super) mod session;
#[cfg(feature = "tls")]
pub(super) mod tls;
pub(super) mod worker;
