//! The connections of an object, loaded from the gateway only when they are needed.
//!
//! An object with ten thousand connections that wakes for one message loads one of them. All connections are
//! loaded when a handler lists them.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::gateway::{ConnectionInfo, ConnectionKey, GatewayPort, Selection};
use crate::object::ConnectionEntry;

/// The connections that the activation knows.
#[derive(Debug, Default)]
pub(in crate::object) struct Roster {
    known: BTreeMap<ConnectionKey, Arc<ConnectionEntry>>,
    /// `true` if every connection that the gateway had before this activation is loaded.
    complete: bool,
}

impl Roster {
    /// Returns a connection; loads it from the gateway if it is not known.
    pub(in crate::object) fn get(
        &mut self,
        key: ConnectionKey,
        gateway: &dyn GatewayPort,
    ) -> Option<Arc<ConnectionEntry>> {
        if let Some(entry) = self.known.get(&key) {
            return Some(entry.clone());
        }
        if self.complete {
            return None;
        }
        gateway.connection(key).map(|info| self.add(info))
    }

    /// Returns the open connections of a selection, oldest first.
    pub(in crate::object) fn select(
        &mut self,
        selection: &Selection,
        gateway: &dyn GatewayPort,
    ) -> Vec<Arc<ConnectionEntry>> {
        if !self.complete {
            // Known entries are newer than those of the gateway, because their changes may wait for a commit.
            for info in gateway.connections() {
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

    /// Returns the known connections; the gateway may have more.
    pub(in crate::object) fn known(&self) -> impl Iterator<Item = &Arc<ConnectionEntry>> {
        self.known.values()
    }
}
