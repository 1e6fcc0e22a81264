//! What an object has used: time, frames, commits, rows.

use std::ops::AddAssign;
use std::time::Duration;

/// What an object, or all of a host, has used so far.
///
/// Time is wall time. At any moment an object is in exactly one of the first four.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ObjectMetrics {
    /// A handler was running, or waiting at one of its awaits.
    pub executing: Duration,
    /// No handler was running, and something kept the object awake: see [`PinnedBy`](super::PinnedBy).
    pub pinned_idle: Duration,
    /// Awake with nothing to do, until it was time to sleep.
    pub idle: Duration,
    /// Asleep: not in memory.
    pub hibernating: Duration,
    /// The sum over all its connections of the time they were open.
    pub connected: Duration,
    /// How often it was woken, the first start included.
    pub wakes: u64,
    /// Messages from clients.
    pub frames_in: u64,
    /// Messages to clients, counted for each receiver.
    pub frames_out: u64,
    /// Commits to its database.
    pub commits: u64,
    /// Rows that its queries returned.
    pub rows_read: u64,
    /// Rows that its statements changed.
    pub rows_written: u64,
}

impl ObjectMetrics {
    /// The time that it was awake.
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
