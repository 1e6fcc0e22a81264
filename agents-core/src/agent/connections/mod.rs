//! The connections of an agent as its hooks see them.
//!
//! This module owns the order of a connect (identity, state, hook), the typed connection and its flags.
//! The sockets themselves belong to the gateway; this module does not know WebSocket frames or tasks.

pub(super) mod connect;
pub(super) mod connect_request;
pub(super) mod connection;
pub(super) mod flags;
