//! What an agent saw, told to its test.

use serde_json::Value;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::patient;

/// Given to agents as their `env`: what they note is read from [`Notes`], in order.
#[derive(Clone, Debug)]
pub struct Recorder(UnboundedSender<Value>);

/// What the agents of a test noted.
#[derive(Debug)]
pub struct Notes(UnboundedReceiver<Value>);

/// Makes a recorder and the place to read it.
pub fn recorder() -> (Recorder, Notes) {
    let (sender, receiver) = unbounded_channel();
    (Recorder(sender), Notes(receiver))
}

impl Recorder {
    /// Tells the test something.
    pub fn note(&self, note: impl Into<Value>) {
        // A test that is over reads no more.
        let _ = self.0.send(note.into());
    }
}

impl Notes {
    /// Waits for the next note.
    pub async fn next(&mut self) -> Value {
        patient(self.0.recv()).await.expect("somebody can still note something")
    }

    /// The notes that are there and were not read yet.
    pub fn so_far(&mut self) -> Vec<Value> {
        std::iter::from_fn(|| self.0.try_recv().ok()).collect()
    }
}
