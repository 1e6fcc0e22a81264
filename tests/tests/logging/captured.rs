//! The log of this process as JSON, from the level `trace` on.

use std::io::{self, Write};
use std::sync::{Mutex, Once};

use agents::serde_json::{self, Value};
use tracing_subscriber::EnvFilter;

static LINES: Mutex<String> = Mutex::new(String::new());

struct Sink;

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LINES.lock().expect("no panic").push_str(&String::from_utf8_lossy(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Captures the log of all crates of the project from now on.
pub(crate) fn keep() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        tracing_subscriber::fmt()
            .json()
            .flatten_event(true)
            .with_env_filter(EnvFilter::new("agents=trace"))
            .with_writer(|| Sink)
            .init();
    });
}

/// Returns the captured text.
pub(crate) fn text() -> String {
    LINES.lock().expect("no panic").clone()
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
