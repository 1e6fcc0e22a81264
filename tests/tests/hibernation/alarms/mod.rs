//! Alarms: setting, storage, delivery and retries.

pub(super) mod delivery;
pub(super) mod failures;
pub(super) mod index;
pub(super) mod next;
pub(super) mod time_limits;
