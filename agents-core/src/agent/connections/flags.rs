//! The flags of a connection that agents use.

use crate::object::Flags;

/// The connection may not change the agent's state.
pub(in crate::agent) const READONLY: Flags = Flags::bit(0);
/// The connection receives no frames of the protocol.
pub(in crate::agent) const NO_PROTOCOL: Flags = Flags::bit(1);
