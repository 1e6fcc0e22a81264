//! The streamed answers under way, so that their readers can stop them.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::agent::rpc::response_stream::ReplySink;
use crate::gateway::ConnectionKey;

/// The streamed answers of an agent, by connection. There are no more than messages in flight.
#[derive(Debug, Default)]
pub(crate) struct Streams(Mutex<HashMap<ConnectionKey, Vec<Arc<ReplySink>>>>);

impl Streams {
    /// Notes an answer until the guard is dropped.
    pub(crate) fn begin(&self, answer: Arc<ReplySink>) -> Streaming<'_> {
        if let Some(connection) = answer.connection() {
            self.0.lock().entry(connection).or_default().push(answer.clone());
        }
        Streaming { streams: self, answer }
    }

    /// Stops what answers the calls with this id; one that has ended is none.
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

/// An answer that can be stopped.
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
