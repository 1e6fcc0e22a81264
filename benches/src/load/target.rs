//! The measured server, and the time of the measurement.

use std::io::{Error, Result};
use std::net::{SocketAddr, ToSocketAddrs};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::process::Process;
use crate::report::Used;
use crate::socket::Socket;

/// The maximum time for each step that should take a moment only.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(60);

/// The server under load.
#[derive(Debug, Clone)]
pub struct Target {
    address: SocketAddr,
    class: String,
    /// The process of the server, for its CPU time and memory.
    pub server: Option<Process>,
    /// The first part of the names of agents, so that a run can use new agents.
    pub prefix: String,
}

impl Target {
    /// Creates a target from `http://host:port` and the class of its agents in kebab case.
    ///
    /// # Errors
    /// When the URL has no address.
    pub fn new(url: &str, class: &str, prefix: &str, server: Option<u32>) -> Result<Self> {
        let host = url.strip_prefix("http://").or_else(|| url.strip_prefix("ws://")).unwrap_or(url);
        let address = host
            .trim_end_matches('/')
            .to_socket_addrs()?
            .next()
            .ok_or_else(|| Error::other("the URL has no address"))?;
        Ok(Self {
            address,
            class: class.to_owned(),
            server: server.map(Process::new),
            prefix: prefix.to_owned(),
        })
    }

    /// Connects to an agent by its number.
    ///
    /// # Errors
    /// Errors of the network.
    pub async fn open(&self, agent: usize) -> Result<Socket> {
        let path = format!("/agents/{}/{}-{agent}", self.class, self.prefix);
        Socket::open(self.address, &path).await
    }

    /// Measures CPU time over a window.
    pub(crate) async fn measure(&self, window: Window) -> Used {
        let cpu = || (self.server.and_then(Process::cpu), Process::this().cpu().unwrap_or_default());
        sleep_until(window.begin).await;
        let (start, (server_before, own_before)) = (Instant::now(), cpu());
        sleep_until(window.end).await;
        let (server, own) = cpu();
        Used {
            wall: start.elapsed(),
            server: server.zip(server_before).map(|(after, before)| after.saturating_sub(before)),
            own: own.saturating_sub(own_before),
        }
    }
}

/// The period of the measurement.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    /// The end of the warm-up.
    pub begin: Instant,
    /// The end of the load.
    pub end: Instant,
}

impl Window {
    /// Creates a window that begins after a warm-up.
    pub fn new(warm_up: Duration, length: Duration) -> Self {
        let begin = Instant::now() + warm_up;
        Self { begin, end: begin + length }
    }

    pub(crate) fn contains(&self, now: Instant) -> bool {
        self.begin <= now && now < self.end
    }

    pub(crate) fn seconds(&self) -> f64 {
        (self.end - self.begin).as_secs_f64()
    }
}
