//! The bits of a connection that agents use.

use crate::object::Flags;

/// The connection gets no frames of the protocol. Bit 0 is that of `WriteAccess`.
pub(in crate::agent) const NO_PROTOCOL: Flags = Flags::bit(1);
