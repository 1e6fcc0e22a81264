//! Starts, instances and destructors that fail.

pub(super) mod destructors;
pub(super) mod failed_start;
pub(super) mod replaced_instance;
