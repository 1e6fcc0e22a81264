//! The rate limit for messages of a socket.

use std::time::Duration;

use tokio::time::Instant;

use crate::gateway::socket::task::Task;
use crate::limits::{Limit, Rate};

impl Task {
    /// Returns whether the next message may pass. A message that may not pass waits, and so do all messages
    /// after it.
    pub(super) fn is_in_pace(&self, resume: &mut Option<Instant>) -> bool {
        let Some(rate) = self.hub.limits().messages_per_second else { return true };
        let left = self.left(rate);
        if left >= 1.0 {
            *resume = None;
            return true;
        }
        if resume.is_none() {
            self.hub.gateway.totals.limits.record(Limit::MessagesPerSecond);
        }
        let wait = (1.0 - left) * 1000.0 / rate.every_second() as f32;
        // The wait is rounded up to a whole millisecond; it is at most the time of some messages.
        *resume = Some(Instant::now() + Duration::from_millis(wait.ceil() as u64));
        false
    }

    /// Counts a message that passes.
    pub(super) fn passes(&mut self) {
        if let Some(rate) = self.hub.limits().messages_per_second {
            self.tokens = self.left(rate) - 1.0 - self.gained(rate);
        }
    }

    /// Updates the tokens before the time from which they are counted becomes now.
    pub(super) fn end_pace(&mut self) {
        if let Some(rate) = self.hub.limits().messages_per_second {
            self.tokens = self.left(rate);
        }
    }

    /// Returns the number of messages that may pass now.
    fn left(&self, rate: Rate) -> f32 {
        (self.tokens + self.gained(rate)).min(rate.at_once() as f32)
    }

    /// Returns the number of tokens gained since the last bytes of the peer; that time is recorded anyway.
    fn gained(&self, rate: Rate) -> f32 {
        let passed = self.hub.gateway.heartbeat.now().saturating_sub(self.socket.last_byte_at());
        passed as f32 * rate.every_second() as f32 / 1000.0
    }
}
