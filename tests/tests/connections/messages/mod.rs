//! Messages and broadcasts, and which of them reach the message hook.

pub(super) mod broadcast;
pub(super) mod hook;
pub(super) mod protocol;
pub(super) mod tags;
