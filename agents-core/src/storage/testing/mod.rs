//! Disks that fail: errors, delays and power failures for tests.

pub(super) mod faults;
mod partial_checkpoint;
pub(super) mod power_failure;
