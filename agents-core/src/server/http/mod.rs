//! The HTTP server: the listener, its connections, and the service that routes a request.
//!
//! This module owns timeouts, the limit of open connections, and request bodies until they are complete or
//! stream. It does not know WebSocket frames: after a handshake the gateway owns the connection.

pub(super) mod address;
pub(super) mod collect_body;
pub(super) mod guarded_body;
pub(super) mod listen_address;
pub(super) mod listener;
pub(super) mod open_files;
pub(super) mod program_routes;
pub(super) mod serve;
pub(super) mod service;
mod unknown_path;
pub(super) mod write_timeout;
