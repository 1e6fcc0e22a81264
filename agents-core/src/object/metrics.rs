//! The usage of an object: time, frames, commits and rows.

use std::ops::AddAssign;
use std::time::Duration;

/// The usage of an object, or of all objects of a host, so far.
///
/// Time is wall time. At any moment the time of an object counts in exactly one of the first four fields.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ObjectMetrics {
    /// The time during which a handler was running, or was waiting at one of its awaits.
    pub executing: Duration,
    /// The time during which no handler was running and the object was kept awake: see
    /// [`PinnedBy`](super::PinnedBy).
    pub pinned_idle: Duration,
    /// The time during which the object was awake without work, before it hibernated.
    pub idle: Duration,
    /// The time during which the object was hibernating, that is, not in memory.
    pub hibernating: Duration,
    /// The sum of the times for which its connections were open.
    pub connected: Duration,
    /// The number of times the object was woken, including the first start.
    pub wakes: u64,
    /// The number of messages from clients.
    pub frames_in: u64,
    /// The number of messages to clients, counted for each receiver.
    pub frames_out: u64,
    /// The number of commits to its database.
    pub commits: u64,
    /// The number of rows that its queries returned.
    pub rows_read: u64,
    /// The number of rows that its statements changed.
    pub rows_written: u64,
}

impl ObjectMetrics {
    /// Returns the time during which the object was awake.
    pub fn active(&self) -> Duration {
        self.executing + self.pinned_idle + self.idle
    }
}

impl AddAssign for ObjectMetrics {
    fn add_assign(&mut self, other: Self) {
        self.executing += other.executing;
        self.pinned_idle += other.pinned_idle;
        self.idle += other.idle;
        self.hibernating += other.hibernating;
        self.connected += other.connected;
        self.wakes += other.wakes;
        self.frames_in += other.frames_in;
        self.frames_out += other.frames_out;
        self.commits += other.commits;
        self.rows_read += other.rows_read;
        self.rows_written += other.rows_written;
    }
}
