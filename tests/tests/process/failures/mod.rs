//! Failures of the whole process: killed, blocked, out of memory, and used by slow clients.

pub(super) mod blocked_workers;
pub(super) mod isolation;
pub(super) mod kill;
#[cfg(target_os = "linux")]
pub(super) mod memory;
pub(super) mod slow_clients;
