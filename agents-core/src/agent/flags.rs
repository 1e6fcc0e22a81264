//! The bits of a connection that agents use.

use crate::object::Flags;

/// The connection may not change the agent's state.
pub(super) const READONLY: Flags = Flags::bit(0);
/// The connection gets no frames of the protocol.
pub(super) const NO_PROTOCOL: Flags = Flags::bit(1);
