//! The connections of an object, loaded from the gateway only as far as they are needed.
//!
//! An object with ten thousand connections that wakes for one message knows one of them. All are
//! asked for when somebody lists them.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::gateway::{ConnectionInfo, ConnectionKey, Hub, Selection};
use crate::object::ConnectionEntry;

/// The connections that the activation knows.
#[derive(Debug, Default)]
pub(in crate::object) struct Roster {
    known: BTreeMap<ConnectionKey, Arc<ConnectionEntry>>,
    /// Nothing is missing that the gateway had before this activation.
    complete: bool,
}

impl Roster {
    /// One connection; the gateway is asked for one that is not known.
    pub(in crate::object) fn get(&mut self, key: ConnectionKey, hub: &Hub) -> Option<Arc<ConnectionEntry>> {
        if let Some(entry) = self.known.get(&key) {
            return Some(entry.clone());
        }
        if self.complete {
            return None;
        }
        hub.connection(key).map(|info| self.add(info))
    }

    /// Those of a selection that are open, oldest first.
    pub(in crate::object) fn select(
        &mut self,
        selection: &Selection,
        hub: &Hub,
    ) -> Vec<Arc<ConnectionEntry>> {
        if !self.complete {
            // What is known is newer than what the gateway has: it may wait for a commit.
            for info in hub.connections(&Selection::default()) {
                self.add(info);
            }
            self.complete = true;
        }
        self.known
            .values()
            .filter(|entry| !entry.is_closing() && selection.has(entry.key, entry.tags(), entry.flags()))
            .cloned()
            .collect()
    }

    fn add(&mut self, info: ConnectionInfo) -> Arc<ConnectionEntry> {
        let entry = self.known.entry(info.connection);
        entry.or_insert_with(|| Arc::new(ConnectionEntry::from_info(info))).clone()
    }

    pub(in crate::object) fn insert(&mut self, entry: Arc<ConnectionEntry>) {
        self.known.insert(entry.key, entry);
    }

    pub(in crate::object) fn remove(&mut self, key: ConnectionKey) -> Option<Arc<ConnectionEntry>> {
        self.known.remove(&key)
    }

    /// Those that are known; there may be more.
    pub(in crate::object) fn known(&self) -> impl Iterator<Item = &Arc<ConnectionEntry>> {
        self.known.values()
    }
}
