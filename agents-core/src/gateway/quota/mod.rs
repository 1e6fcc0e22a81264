//! Resources that all clients of a host share: memory and connections.
//!
//! A permit travels with the message or the socket that uses the resource, and returns its share when it is
//! dropped. This module does not know the use of the resource.

pub(super) mod connection_slots;
pub(super) mod memory_budget;
