//! The state that all hubs of a host share.

use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::gateway::heartbeat::Heartbeat;
use crate::gateway::metrics::{GatewayMetrics, GatewayTotals};
use crate::gateway::quota::connection_slots::ConnectionSlots;
use crate::gateway::quota::memory_budget::Budget;
use crate::limits::Limits;
use crate::support::clock::Clock;

/// The state that all hubs of a host share.
#[derive(Debug)]
pub(crate) struct Gateway {
    pub(crate) clock: Clock,
    pub(crate) heartbeat: Arc<Heartbeat>,
    pub(crate) totals: GatewayTotals,
    pub(crate) connection_slots: Arc<ConnectionSlots>,
    /// The budget for bytes that clients sent and objects have not handled.
    pub(crate) incoming: Arc<Budget>,
    /// The budget for bytes that wait for clients.
    pub(crate) outgoing: Arc<Budget>,
    pub(crate) limits: Arc<Limits>,
    /// The permits of refused sockets that wait for the close frame of their peer.
    pub(crate) pending_refusals: Semaphore,
}

/// The maximum number of refused sockets that wait for the close frame of their peer.
const PENDING_REFUSALS: usize = 1024;

impl Gateway {
    /// Starts the gateway and its heartbeat task on the current runtime.
    ///
    /// The task ends when the gateway is dropped.
    pub(crate) fn start(clock: Clock, limits: Arc<Limits>) -> Arc<Self> {
        let totals = GatewayTotals::default();
        let heartbeat = Heartbeat::start(&limits, totals.limits.clone());
        Arc::new(Self {
            clock,
            heartbeat,
            totals,
            connection_slots: ConnectionSlots::new(limits.connections, limits.connections_per_address),
            incoming: Budget::new(limits.incoming_bytes),
            outgoing: Budget::new(limits.outgoing_bytes),
            pending_refusals: Semaphore::new(PENDING_REFUSALS),
            limits,
        })
    }

    /// Returns the usage of all sockets so far.
    pub(crate) fn metrics(&self) -> GatewayMetrics {
        self.totals.metrics(self.heartbeat.now())
    }
}
