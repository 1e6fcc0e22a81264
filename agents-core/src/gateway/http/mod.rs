//! HTTP at the gateway: the handshake of a WebSocket, and requests that are forwarded to an object.
//!
//! This module owns the request and response bodies while they stream, and the facts about the sender of a
//! request (address, origin). The server listens on ports and routes requests.

pub(super) mod handshake;
pub(super) mod origin;
pub(super) mod request;
pub(super) mod request_body;
