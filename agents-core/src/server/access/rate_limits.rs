//! Admission by the number and the rate of connections and requests.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::{Arc, Once};
use std::time::Duration;

use axum::response::{IntoResponse, Response};
use governor::clock::{Clock, Reference};
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};
use http::StatusCode;
use http::header::RETRY_AFTER;
use tokio::time::Instant;

use crate::agent::Refusal;
use crate::gateway::{ConnectionSlot, Gateway, prefix};
use crate::limits::Limits;
use crate::limits::{Limit, Rate};

/// Counters of handshakes and requests from each address.
#[derive(Debug)]
pub(in crate::server) struct AddressRateLimits {
    gateway: Arc<Gateway>,
    upgrades: Option<Addresses>,
    requests: Option<Addresses>,
    /// `true` if a limit counts by address.
    by_address: bool,
    /// Guards the log line that the address of clients is not known.
    logged: Once,
}

impl AddressRateLimits {
    pub(in crate::server) fn new(limits: &Limits, gateway: Arc<Gateway>) -> Self {
        let addresses = |rate: Option<Rate>| rate.map(Addresses::new);
        Self {
            gateway,
            upgrades: addresses(limits.upgrades_per_second),
            requests: addresses(limits.requests_per_second),
            by_address: limits.connections_per_address.is_some()
                || limits.upgrades_per_second.is_some()
                || limits.requests_per_second.is_some(),
            logged: Once::new(),
        }
    }

    /// Logs once that limits per address have no effect. A program with a server of its own must pass the
    /// address of its peers.
    fn check_address(&self, client: Option<IpAddr>) {
        if client.is_none() && self.by_address {
            self.logged.call_once(|| {
                tracing::error!(
                    "the limits per address have no effect, because requests have no address: serve the router with \
                     `into_make_service_with_connect_info::<SocketAddr>()`"
                );
            });
        }
    }

    /// Admits a socket.
    ///
    /// The refusals are final for the npm client. Otherwise all refused clients would connect again within
    /// seconds, and reach the limit again.
    pub(in crate::server) fn upgrade(&self, client: Option<IpAddr>) -> Result<ConnectionSlot, Refusal> {
        let refuse = |limit: Limit, reason: &'static str| {
            self.gateway.totals.limits.record(limit);
            Err(Refusal::too_many(reason))
        };
        self.check_address(client);
        if wait(&self.upgrades, client).is_some() {
            return refuse(Limit::UpgradesPerSecond, "too many connections, try again later");
        }
        self.gateway.connection_slots.socket(client).or_else(|limit| refuse(limit, "too many connections"))
    }

    /// Admits a request; the slot is held until the response is complete.
    pub(in crate::server) fn request(&self, client: Option<IpAddr>) -> Result<ConnectionSlot, Box<Response>> {
        let refuse = |limit: Limit, wait: Duration| {
            self.gateway.totals.limits.record(limit);
            // Whole seconds, rounded up.
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            let headers = [(RETRY_AFTER, seconds.max(1).to_string())];
            Err(Box::new((StatusCode::TOO_MANY_REQUESTS, headers, "Too many requests").into_response()))
        };
        self.check_address(client);
        if let Some(wait) = wait(&self.requests, client) {
            return refuse(Limit::RequestsPerSecond, wait);
        }
        self.gateway.connection_slots.request(client).or_else(|limit| refuse(limit, Duration::ZERO))
    }

    /// Removes addresses that have sent nothing for a while.
    pub(in crate::server) fn sweep(&self) {
        for addresses in [&self.upgrades, &self.requests].into_iter().flatten() {
            addresses.0.retain_recent();
        }
    }
}

/// Returns the time that an address has to wait.
fn wait(addresses: &Option<Addresses>, client: Option<IpAddr>) -> Option<Duration> {
    addresses.as_ref()?.wait(client?)
}

/// A rate limiter for each address.
#[derive(Debug)]
struct Addresses(RateLimiter<IpAddr, DashMapStateStore<IpAddr>, Since, NoOpMiddleware<Duration>>);

impl Addresses {
    fn new(rate: Rate) -> Self {
        let every_second = NonZeroU32::new(rate.every_second()).unwrap_or(NonZeroU32::MIN);
        let at_once = NonZeroU32::new(rate.at_once()).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::per_second(every_second).allow_burst(at_once);
        Self(RateLimiter::new(quota, DashMapStateStore::default(), Since(Instant::now())))
    }

    fn wait(&self, client: IpAddr) -> Option<Duration> {
        let until = self.0.check_key(&prefix(client)).err()?;
        Some(until.earliest_possible().duration_since(self.0.clock().now()).into())
    }
}

/// The time since the start; it stops when tests pause the clock.
#[derive(Clone, Debug)]
struct Since(Instant);

impl Clock for Since {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_rate_has_a_burst_and_forgets_who_is_gone() {
        let addresses = Addresses::new(Rate::per_second(2).burst(3));
        let (one, two) = ("10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap());
        for _ in 0..3 {
            assert_eq!(addresses.wait(one), None);
        }
        assert_eq!(addresses.wait(one), Some(Duration::from_millis(500)));
        assert_eq!(addresses.wait(two), None, "another address");
        tokio::time::advance(Duration::from_millis(500)).await;
        assert_eq!(addresses.wait(one), None);
        assert!(addresses.wait(one).is_some());
        tokio::time::advance(Duration::from_secs(10)).await;
        assert_eq!(addresses.0.len(), 2);
        addresses.0.retain_recent();
        assert_eq!(addresses.0.len(), 0);
    }
}
