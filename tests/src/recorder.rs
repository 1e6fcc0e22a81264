//! Notes that agents write for their test.

use serde_json::Value;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::patient;

/// The writing side. Agents get it as their `env`, and the test reads the notes from [`Notes`] in order.
#[derive(Clone, Debug)]
pub struct Recorder(UnboundedSender<Value>);

/// The notes of the agents of a test.
#[derive(Debug)]
pub struct Notes(UnboundedReceiver<Value>);

/// Creates a recorder and the notes that it fills.
pub fn recorder() -> (Recorder, Notes) {
    let (sender, receiver) = unbounded_channel();
    (Recorder(sender), Notes(receiver))
}

impl Recorder {
    /// Adds a note.
    pub fn note(&self, note: impl Into<Value>) {
        // A test that has ended does not read.
        let _ = self.0.send(note.into());
    }
}

impl Notes {
    /// Waits for the next note.
    pub async fn next(&mut self) -> Value {
        patient(self.0.recv()).await.expect("a recorder still exists")
    }

    /// Returns the notes that have not been read yet.
    pub fn so_far(&mut self) -> Vec<Value> {
        std::iter::from_fn(|| self.0.try_recv().ok()).collect()
    }
}
