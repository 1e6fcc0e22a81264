//! The WebSockets of an object as the object knows them.
//!
//! This module owns the roster of known connections, their entries with tags and attachment, and the public
//! [`WebSocket`](crate::object::WebSocket). The gateway keeps the sockets; a roster asks it for connections
//! that it does not know yet.

pub(super) mod entry;
pub(super) mod room;
pub(super) mod roster;
pub(super) mod send_window;
pub(super) mod web_socket;
pub(super) mod web_sockets;
