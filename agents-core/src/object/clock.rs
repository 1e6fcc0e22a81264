//! The time as agents see it.

use std::time::{SystemTime, UNIX_EPOCH};

/// A clock in milliseconds since 1970, UTC.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Clock;

impl Clock {
    pub(crate) fn now_ms(self) -> u64 {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }
}
