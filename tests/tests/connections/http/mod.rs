//! HTTP requests to an agent.

pub(super) mod bodies;
pub(super) mod errors;
pub(super) mod extractors;
pub(super) mod hints;
pub(super) mod mount;
pub(super) mod requests;
pub(super) mod routes;
