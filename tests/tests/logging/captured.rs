//! The log of this process as JSON, from the level `trace` on.

use std::sync::Once;

use agents::serde_json::{self, Value};
use agents_tests::LogSink;
use tracing_subscriber::EnvFilter;

/// Captures the log of all crates of the project from now on.
pub(crate) fn keep() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        tracing_subscriber::fmt()
            .json()
            .flatten_event(true)
            .with_env_filter(EnvFilter::new("agents=trace"))
            .with_writer(|| LogSink)
            .init();
    });
}

/// Returns the captured text.
pub(crate) fn text() -> String {
    LogSink::text()
}

/// Returns the events about an agent, which only one test uses, without their times.
pub(crate) fn about(name: &str) -> Vec<Value> {
    let text = text();
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let mut events: Vec<_> = lines.filter(|event| event.to_string().contains(name)).collect();
    for event in &mut events {
        event.as_object_mut().expect("an object").remove("timestamp");
    }
    events
}
