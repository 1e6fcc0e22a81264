//! Alarms: set, kept, delivered and retried.

pub(super) mod delivery;
pub(super) mod failures;
pub(super) mod index;
pub(super) mod next;
pub(super) mod time_limits;
