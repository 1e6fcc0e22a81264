//! The messages between the gateway and an object, and the port that carries them.
//!
//! All of them are plain and serialisable, so that both sides can run in different processes. This module
//! uses no socket, task or database.

pub(super) mod encoded;
pub(super) mod head;
pub(super) mod messages;
pub(super) mod port;
