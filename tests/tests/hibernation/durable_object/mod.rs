//! Durable objects without the agent layer.

pub(super) mod exclusive;
pub(super) mod lifecycle;
pub(super) mod metrics;
pub(super) mod tasks;
pub(super) mod web_sockets;
