//! The streamed replies that have not ended, so that their readers can stop them.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::agent::rpc::response_stream::ReplySink;
use crate::gateway::ConnectionKey;

/// The streamed replies of an agent, by connection. Their number is bounded by the messages in flight.
#[derive(Debug, Default)]
pub(crate) struct Streams(Mutex<HashMap<ConnectionKey, Vec<Arc<ReplySink>>>>);

impl Streams {
    /// Registers a reply until the guard is dropped.
    pub(crate) fn begin(&self, answer: Arc<ReplySink>) -> Streaming<'_> {
        if let Some(connection) = answer.connection() {
            self.0.lock().entry(connection).or_default().push(answer.clone());
        }
        Streaming { streams: self, answer }
    }

    /// Stops the replies to the calls with this id; an ended reply is not affected.
    pub(crate) fn stop(&self, connection: ConnectionKey, id: &str) {
        let found: Vec<_> = match self.0.lock().get(&connection) {
            Some(answers) => answers.iter().filter(|answer| answer.is_of(connection, id)).cloned().collect(),
            None => return,
        };
        for answer in found {
            answer.stop();
        }
    }
}

/// The registration of a reply that can be stopped.
#[derive(Debug)]
pub(crate) struct Streaming<'a> {
    streams: &'a Streams,
    answer: Arc<ReplySink>,
}

impl Drop for Streaming<'_> {
    fn drop(&mut self) {
        let Some(connection) = self.answer.connection() else { return };
        let mut streams = self.streams.0.lock();
        if let Some(answers) = streams.get_mut(&connection) {
            answers.retain(|answer| !Arc::ptr_eq(answer, &self.answer));
            if answers.is_empty() {
                streams.remove(&connection);
            }
        }
    }
}
