//! Helpers that the tests of this target share: a channel from handlers to the test, and frames.

use std::time::Duration;

use agents::serde_json::{Value, json};
use tokio::sync::mpsc;

/// The sender of a handler's notes. Agents have it in their `env`.
#[derive(Clone)]
pub(crate) struct Tell(mpsc::UnboundedSender<String>);

impl Tell {
    /// Sends a note to the test. After the end of the test, notes are dropped.
    pub(crate) fn tell(&self, what: impl Into<String>) {
        let _ = self.0.send(what.into());
    }
}

/// The receiver of the notes in the test.
pub(crate) struct Heard(mpsc::UnboundedReceiver<String>);

impl Heard {
    /// Waits for the next note of a handler.
    pub(crate) async fn next(&mut self) -> String {
        let next = tokio::time::timeout(Duration::from_secs(20), self.0.recv()).await;
        next.expect("no handler sent a note").expect("the agent is gone")
    }

    /// Returns the notes that have arrived and were not read.
    pub(crate) fn rest(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.0.try_recv().ok()).collect()
    }
}

/// Returns a channel from handlers to a test.
pub(crate) fn line() -> (Tell, Heard) {
    let (sender, receiver) = mpsc::unbounded_channel();
    (Tell(sender), Heard(receiver))
}

/// Returns the frame with which a client pushes a state.
pub(crate) fn push(state: &Value) -> String {
    json!({ "type": "cf_agent_state", "state": state }).to_string()
}

/// Returns the frame with a changed state.
pub(crate) fn changed(state: &Value) -> Value {
    json!({ "type": "cf_agent_state", "state": state })
}
