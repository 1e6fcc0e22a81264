//! What an alarm handler is told.

/// An alarm that rings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AlarmInfo {
    /// When it was to ring, in milliseconds since 1970; after a failure, when it was to be tried again.
    pub scheduled_time: u64,
    /// How many times it failed before.
    pub retry_count: u32,
}

impl AlarmInfo {
    /// Tells whether it failed before.
    pub fn is_retry(&self) -> bool {
        self.retry_count > 0
    }
}
