//! How fast a socket may send messages.

use std::time::Duration;

use tokio::time::Instant;

use crate::gateway::socket::task::Task;
use crate::limits::{Limit, Rate};

impl Task {
    /// Tells whether the next message may pass; one that may not waits, and so does all behind it.
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
        // A float to the next whole millisecond; it is at most that of some messages.
        *resume = Some(Instant::now() + Duration::from_millis(wait.ceil() as u64));
        false
    }

    /// A message passes.
    pub(super) fn passes(&mut self) {
        if let Some(rate) = self.hub.limits().messages_per_second {
            self.tokens = self.left(rate) - 1.0 - self.gained(rate);
        }
    }

    /// The time from which tokens are counted is about to become now.
    pub(super) fn settle_pace(&mut self) {
        if let Some(rate) = self.hub.limits().messages_per_second {
            self.tokens = self.left(rate);
        }
    }

    /// How many messages may pass now.
    fn left(&self, rate: Rate) -> f32 {
        (self.tokens + self.gained(rate)).min(rate.at_once() as f32)
    }

    /// How many more may pass since the peer was last heard: that time is noted anyway.
    fn gained(&self, rate: Rate) -> f32 {
        let passed = self.hub.gateway.heartbeat.now().saturating_sub(self.socket.last_heard());
        passed as f32 * rate.every_second() as f32 / 1000.0
    }
}
