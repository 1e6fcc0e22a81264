//! The metrics of a host as text for Prometheus.

use std::fmt;

use axum::Router;
use axum::routing::get;
use http::header::CONTENT_TYPE;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::{Registry, Unit};

use crate::server::{Host, HostMetrics};

impl Host {
    /// The content type of the text that [`metrics_text`](Self::metrics_text) returns.
    pub const METRICS_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

    /// Returns the [`metrics`](Self::metrics) as text for Prometheus, in the format OpenMetrics.
    ///
    /// [`Agents::metrics`](crate::Agents::metrics) serves this text on a separate address. Without that
    /// address, mount the text in a route of your own:
    ///
    /// ```
    /// use agents_core::axum::{Router, routing::get};
    /// use agents_core::http::header::CONTENT_TYPE;
    /// use agents_core::{Agents, Host};
    ///
    /// fn routes(host: &Host) -> Router {
    ///     let host = host.clone();
    ///     let metrics = async move || ([(CONTENT_TYPE, Host::METRICS_TYPE)], host.metrics_text());
    ///     Router::new().route("/metrics", get(metrics))
    /// }
    ///
    /// let agents = Agents::new().routes_with(routes);
    /// # let _ = agents;
    /// ```
    ///
    /// Each text is made from the metrics at that moment. No recorder is installed, and
    /// metrics of the program itself are not included.
    pub fn metrics_text(&self) -> String {
        render(self.metrics())
    }
}

/// Returns the router that is served on the address for metrics.
pub(super) fn router(host: Host) -> Router {
    let answer = async move || ([(CONTENT_TYPE, Host::METRICS_TYPE)], host.metrics_text());
    Router::new().route("/metrics", get(answer))
}

fn render(metrics: HostMetrics) -> String {
    let mut registry = Registry::with_prefix("agents");
    registry.register_collector(Box::new(Snapshot(metrics)));
    let mut text = String::new();
    if let Err(error) = encode(&mut text, &registry) {
        // Only the target of the writer can fail, and a `String` does not.
        tracing::error!(%error, "the metrics were not written");
    }
    text
}

#[derive(Debug)]
struct Snapshot(HostMetrics);

impl Collector for Snapshot {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let HostMetrics { objects, awake, known, connections, limits, .. } = self.0;
        let mut put = |name, help, unit: Option<Unit>, metric: &dyn EncodeMetric| {
            metric.encode(encoder.encode_descriptor(name, help, unit.as_ref(), metric.metric_type())?)
        };
        for (name, help, count) in [
            ("awake", "Objects in memory", awake),
            ("known", "Objects in memory or with connections", known),
            ("connections", "Open connections", connections),
        ] {
            put(name, help, None, &ConstGauge::new(count))?;
        }
        for (name, help, bytes) in [
            ("incoming", "Data from clients that is not handled yet", self.0.incoming_bytes),
            ("outgoing", "Data that waits for clients", self.0.outgoing_bytes),
        ] {
            put(name, help, Some(Unit::Bytes), &ConstGauge::new(bytes))?;
        }
        for (name, help, time) in [
            ("executing", "Time in which a handler of an object ran or waited", objects.executing),
            ("pinned_idle", "Time in which no handler ran and an object was kept awake", objects.pinned_idle),
            ("idle", "Time in which an object was awake with nothing to do", objects.idle),
            ("hibernating", "Time in which an object was not in memory", objects.hibernating),
            ("connected", "Time in which a connection was open", objects.connected),
        ] {
            put(name, help, Some(Unit::Seconds), &ConstCounter::new(time.as_secs_f64()))?;
        }
        for (name, help, count) in [
            ("wakes", "Starts of an object, the first one included", objects.wakes),
            ("messages_received", "Messages from clients", objects.frames_in),
            ("messages_sent", "Messages to clients, counted for each receiver", objects.frames_out),
            ("commits", "Commits to databases", objects.commits),
            ("rows_read", "Rows that queries returned", objects.rows_read),
            ("rows_written", "Rows that statements changed", objects.rows_written),
            ("connections_opened", "Connections that were opened", self.0.opened),
            ("connections_closed", "Connections that have ended", self.0.closed),
            (
                "connections_refused",
                "Connections that were closed immediately, and requests that were refused",
                self.0.refused,
            ),
            ("connections_overflowed", "Connections whose client read too slowly", self.0.overflowed),
            ("connections_timed_out", "Connections whose client did not answer a ping", self.0.timed_out),
            ("auto_responses", "Messages that were answered without waking an object", self.0.auto_responses),
            ("turns_blocked", "Turns that blocked their thread for more than a second", self.0.blocked),
        ] {
            put(name, help, None, &ConstCounter::new(count))?;
        }
        let help = "Times that a limit was reached, by its name in Limits";
        let mut reached = encoder.encode_descriptor("limit_reached", help, None, MetricType::Counter)?;
        for (limit, count) in limits.iter() {
            ConstCounter::new(count).encode(reached.encode_family(&[("limit", limit.name())])?)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::limits::{Limit, LimitCounts};
    use crate::object::ObjectMetrics;

    /// Returns the value of a sample, which has a line of its own.
    fn value(text: &str, name: &str) -> f64 {
        let line = text.lines().find(|line| line.split(' ').next() == Some(name));
        let value = line.and_then(|line| line.split(' ').nth(1)).and_then(|value| value.parse().ok());
        value.unwrap_or_else(|| panic!("no {name} in {text}"))
    }

    #[test]
    fn the_text_has_every_value_and_the_form_of_openmetrics() {
        let ms = Duration::from_millis;
        let objects = ObjectMetrics {
            executing: ms(1500),
            pinned_idle: ms(250),
            idle: ms(3000),
            hibernating: ms(86_400_000),
            connected: ms(125),
            wakes: 1,
            frames_in: 2,
            frames_out: 3,
            commits: 4,
            rows_read: 5,
            rows_written: 6,
        };
        let mut limits = LimitCounts::default();
        limits.set(Limit::MessagesPerSecond, 17);
        let metrics = HostMetrics {
            objects,
            awake: 7,
            known: 8,
            connections: 9,
            opened: 10,
            closed: 11,
            refused: 12,
            overflowed: 13,
            timed_out: 14,
            auto_responses: u64::from(u32::MAX) + 1,
            limits,
            incoming_bytes: 15,
            outgoing_bytes: 16,
            blocked: 18,
        };
        let text = render(metrics);
        let expected = [
            ("awake", 7.0),
            ("known", 8.0),
            ("connections", 9.0),
            ("incoming_bytes", 15.0),
            ("outgoing_bytes", 16.0),
            ("limit_reached_total{limit=\"messages_per_second\"}", 17.0),
            ("limit_reached_total{limit=\"connections\"}", 0.0),
            ("executing_seconds_total", 1.5),
            ("pinned_idle_seconds_total", 0.25),
            ("idle_seconds_total", 3.0),
            ("hibernating_seconds_total", 86_400.0),
            ("connected_seconds_total", 0.125),
            ("wakes_total", 1.0),
            ("messages_received_total", 2.0),
            ("messages_sent_total", 3.0),
            ("commits_total", 4.0),
            ("rows_read_total", 5.0),
            ("rows_written_total", 6.0),
            ("connections_opened_total", 10.0),
            ("connections_closed_total", 11.0),
            ("connections_refused_total", 12.0),
            ("connections_overflowed_total", 13.0),
            ("connections_timed_out_total", 14.0),
            ("auto_responses_total", 4_294_967_296.0),
            ("turns_blocked_total", 18.0),
        ];
        for (name, number) in expected {
            assert_eq!(value(&text, &format!("agents_{name}")), number, "{name}");
        }
        let samples: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(samples.len(), expected.len() + Limit::ALL.len() - 2, "{text}");
        assert!(samples.iter().all(|line| line.split(' ').count() == 2), "{text}");
        assert!(text.ends_with("\n# EOF\n"), "{text}");
        for (name, kind) in [("awake", "gauge"), ("idle_seconds", "counter"), ("wakes", "counter")] {
            assert!(text.contains(&format!("# TYPE agents_{name} {kind}\n")), "{text}");
            assert!(text.contains(&format!("# HELP agents_{name} ")), "{text}");
        }
        assert!(text.contains("# UNIT agents_idle_seconds seconds\n"), "{text}");
    }
}
