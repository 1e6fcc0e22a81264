//! Disks that fail: errors, delays and power failures for tests.

pub(super) mod faults;
pub(super) mod power_failure;
