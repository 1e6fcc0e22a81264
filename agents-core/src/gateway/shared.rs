//! What all hubs of a host share.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::clock::Clock;
use crate::gateway::heartbeat::Heartbeat;
use crate::gateway::metrics::{GatewayMeter, GatewayTotals};
use crate::gateway::quota::connection_slots::Places;
use crate::gateway::quota::memory_budget::Budget;
use crate::limits::Limits;

/// What all hubs of a host share.
#[derive(Debug)]
pub(crate) struct Gateway {
    pub(crate) clock: Clock,
    pub(crate) heartbeat: Arc<Heartbeat>,
    pub(crate) totals: GatewayTotals,
    pub(crate) places: Arc<Places>,
    /// What clients sent and objects have not handled.
    pub(crate) incoming: Arc<Budget>,
    /// What waits for clients.
    pub(crate) outgoing: Arc<Budget>,
    pub(crate) message_timeout: Duration,
    pub(crate) write_timeout: Duration,
    /// For sockets that were refused and may take their time to say goodbye.
    pub(crate) goodbyes: Semaphore,
}

/// How many sockets that were refused may say goodbye at a time.
const GOODBYES: usize = 1024;

impl Gateway {
    /// Starts what runs beside the sockets, on the runtime that this is called in.
    ///
    /// It ends when the gateway is dropped.
    pub(crate) fn start(clock: Clock, limits: &Limits) -> Arc<Self> {
        let totals = GatewayTotals::default();
        let heartbeat = Heartbeat::start(limits, totals.limits.clone());
        Arc::new(Self {
            clock,
            heartbeat,
            totals,
            places: Places::new(limits.connections, limits.connections_per_address),
            incoming: Budget::new(limits.incoming_bytes),
            outgoing: Budget::new(limits.outgoing_bytes),
            message_timeout: limits.message_timeout,
            write_timeout: limits.write_timeout,
            goodbyes: Semaphore::new(GOODBYES),
        })
    }

    /// What all sockets have done so far.
    pub(crate) fn meter(&self) -> GatewayMeter {
        self.totals.meter(self.heartbeat.now())
    }
}
