//! The lines of the log about the host itself, at the level `info`.

use std::net::SocketAddr;
use std::path::{self, Path};
use std::time::Duration;

use crate::limits::Limits;

/// Logs that a host has started.
pub(super) fn started(data: &Path, mut classes: Vec<&str>, limits: &Limits) {
    classes.sort_unstable();
    let classes = classes.join(",");
    let data = path::absolute(data).unwrap_or_else(|_| data.to_owned());
    let limits = limits.changes();
    tracing::info!(
        target: "agents::host",
        version = env!("CARGO_PKG_VERSION"),
        data = %data.display(),
        classes,
        limits,
        "started"
    );
}

/// Warns that a program has no class.
pub(super) fn no_class() {
    tracing::warn!(
        target: "agents::host",
        "no class is registered, so there are no agents: add each class with `Agents::register`"
    );
}

/// Logs that a host listens, on a separate address for the metrics if it has one.
pub(super) fn listening(address: SocketAddr, metrics: Option<SocketAddr>) {
    let metrics = metrics.map(tracing::field::display);
    tracing::info!(target: "agents::host", %address, metrics, "listening");
}

/// Logs that a host begins to stop.
pub(super) fn stopping(reason: &str, connections: usize) {
    tracing::info!(target: "agents::host", reason, connections, "stopping");
}

/// Logs that a host has stopped.
pub(super) fn stopped(reason: &str, duration: Duration) {
    let duration_ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    tracing::info!(target: "agents::host", reason, duration_ms, "stopped");
}
