//! Messages and broadcasts, and the messages that reach the message hook.

pub(super) mod broadcast;
pub(super) mod hook;
pub(super) mod protocol;
pub(super) mod tags;
