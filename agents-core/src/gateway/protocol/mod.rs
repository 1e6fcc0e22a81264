//! The messages that cross between the gateway and an object, and the port that carries them.
//!
//! All of them are plain and serialisable, so that both sides can live in different processes.
//! Nothing in here names a socket, a task or a database.

pub(super) mod call;
pub(super) mod messages;
pub(super) mod port;
