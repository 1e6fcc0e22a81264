//! What the tests of this target share: a line from handlers to the test, and frames.

use std::time::Duration;

use agents::serde_json::{Value, json};
use tokio::sync::mpsc;

/// A handler's end of the line; agents have it in their `env`.
#[derive(Clone)]
pub(crate) struct Tell(mpsc::UnboundedSender<String>);

impl Tell {
    /// Tells the test something. A test that is over does not listen any more.
    pub(crate) fn tell(&self, what: impl Into<String>) {
        let _ = self.0.send(what.into());
    }
}

/// The test's end of the line.
pub(crate) struct Heard(mpsc::UnboundedReceiver<String>);

impl Heard {
    /// What a handler tells next.
    pub(crate) async fn next(&mut self) -> String {
        let next = tokio::time::timeout(Duration::from_secs(20), self.0.recv()).await;
        next.expect("no handler told anything").expect("the agent is gone")
    }

    /// What was told up to now and not heard yet.
    pub(crate) fn rest(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.0.try_recv().ok()).collect()
    }
}

/// A line from handlers to a test.
pub(crate) fn line() -> (Tell, Heard) {
    let (sender, receiver) = mpsc::unbounded_channel();
    (Tell(sender), Heard(receiver))
}

/// The frame with which a client pushes a state.
pub(crate) fn push(state: &Value) -> String {
    json!({ "type": "cf_agent_state", "state": state }).to_string()
}

/// The frame that tells of a changed state.
pub(crate) fn changed(state: &Value) -> Value {
    json!({ "type": "cf_agent_state", "state": state })
}
