//! Access: the checks of a connection by the host and by the agent.

pub(super) mod admission;
pub(super) mod auth;
pub(super) mod origins;
pub(super) mod routes;
pub(super) mod sessions;
pub(super) mod tokens;
