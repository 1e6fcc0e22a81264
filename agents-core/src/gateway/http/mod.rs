//! HTTP at the gateway: the handshake of a WebSocket, and requests that are forwarded to an object.
//!
//! This module owns the request and response bodies while they stream, and the facts about the sender of a request
//! (address, origin).
//! It does not listen on ports and does not route: the server does.

pub(super) mod handshake;
pub(super) mod origin;
pub(super) mod request;
pub(super) mod request_body;
