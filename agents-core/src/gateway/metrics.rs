//! The counters of the gateway.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::limits::{Counter, LimitCounters, LimitCounts};

/// The usage of the sockets of one object so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct HubMetrics {
    /// The messages from clients, including the ones that the gateway answered with the auto-response.
    pub(crate) frames_in: u64,
    /// The messages to clients, counted for each receiver.
    pub(crate) frames_out: u64,
    pub(crate) sockets: usize,
    /// The sum of the times for which sockets were connected, past and present.
    pub(crate) connected: Duration,
}

/// The usage of all sockets of a host so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct GatewayMetrics {
    pub(crate) all: HubMetrics,
    /// The sockets that a hub accepted.
    pub(crate) opened: u64,
    pub(crate) closed: u64,
    /// The sockets and requests that were refused.
    pub(crate) refused: u64,
    pub(crate) auto_responses: u64,
    /// The number of times each limit was reached.
    pub(crate) limits: LimitCounts,
}

/// The number of open sockets and their connected time, without a record for each socket.
#[derive(Debug, Default)]
pub(crate) struct Presence {
    pub(crate) sockets: usize,
    /// The sum of the close times minus the sum of the open times; wraps.
    balance: u64,
}

impl Presence {
    pub(crate) fn open(&mut self, now: u64) {
        self.sockets += 1;
        self.balance = self.balance.wrapping_sub(now);
    }

    pub(crate) fn close(&mut self, now: u64) {
        self.sockets -= 1;
        self.balance = self.balance.wrapping_add(now);
    }

    /// Returns the sum of all connected times, as if every open socket closed now.
    pub(crate) fn connected(&self, now: u64) -> Duration {
        Duration::from_millis(self.balance.wrapping_add(now.wrapping_mul(self.sockets as u64)))
    }
}

/// The counters that all hubs of a host share.
#[derive(Debug, Default)]
pub(crate) struct GatewayTotals {
    pub(crate) frames_in: Counter,
    pub(crate) frames_out: Counter,
    pub(crate) refused: Counter,
    pub(crate) auto_responses: Counter,
    pub(crate) limits: Arc<LimitCounters>,
    pub(crate) opened: Counter,
    pub(crate) presence: Mutex<Presence>,
}

impl GatewayTotals {
    pub(crate) fn metrics(&self, now: u64) -> GatewayMetrics {
        let (sockets, connected, opened) = {
            // A socket opens and closes under this lock, so these three values agree.
            let presence = self.presence.lock();
            (presence.sockets, presence.connected(now), self.opened.get())
        };
        GatewayMetrics {
            all: HubMetrics {
                frames_in: self.frames_in.get(),
                frames_out: self.frames_out.get(),
                sockets,
                connected,
            },
            opened,
            closed: opened - sockets as u64,
            refused: self.refused.get(),
            auto_responses: self.auto_responses.get(),
            limits: self.limits.counts(),
        }
    }

    pub(crate) fn open(&self, now: u64) {
        let mut presence = self.presence.lock();
        presence.open(now);
        self.opened.add(1);
    }

    pub(crate) fn close(&self, now: u64) {
        self.presence.lock().close(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_add_up_past_and_present() {
        let mut presence = Presence::default();
        presence.open(1000);
        presence.open(3000);
        assert_eq!(presence.connected(4000), Duration::from_millis(4000));
        presence.close(4000);
        assert_eq!(presence.connected(5000), Duration::from_millis(5000));
        presence.close(6000);
        assert_eq!(presence.connected(90_000), Duration::from_millis(6000));
    }
}
