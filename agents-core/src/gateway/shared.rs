//! What all hubs of a host share.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::Clock;
use crate::gateway::heartbeat::Heartbeat;
use crate::gateway::meter::{GatewayMeter, GatewayTotals};

/// Limits of all sockets of a host.
#[derive(Clone, Debug)]
pub(crate) struct GatewayLimits {
    /// How long a peer may be silent before it is pinged; `None` for ever.
    pub(crate) heartbeat: Option<Duration>,
    /// How long a pinged peer may stay silent.
    pub(crate) heartbeat_timeout: Duration,
}

/// What all hubs of a host share.
#[derive(Debug)]
pub(crate) struct Gateway {
    pub(crate) clock: Clock,
    pub(crate) heartbeat: Arc<Heartbeat>,
    pub(crate) totals: GatewayTotals,
}

impl Gateway {
    /// Starts what runs beside the sockets, on the runtime that this is called in.
    ///
    /// It ends when the gateway is dropped.
    pub(crate) fn start(clock: Clock, limits: &GatewayLimits) -> Arc<Self> {
        let heartbeat = Heartbeat::start(limits.heartbeat, limits.heartbeat_timeout);
        Arc::new(Self { clock, heartbeat, totals: GatewayTotals::default() })
    }

    /// What all sockets have done so far.
    pub(crate) fn meter(&self) -> GatewayMeter {
        self.totals.meter(self.heartbeat.now())
    }
}
