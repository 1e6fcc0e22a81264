//! How an object is, for operators and tests.

use crate::object::{ObjectHandle, ObjectMetrics, PinnedBy};

/// How an object is at this moment.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ObjectStatus {
    /// The class, as it stands in addresses.
    pub class: String,
    /// The name, as it stands in addresses.
    pub name: String,
    /// Whether the object is in memory.
    pub awake: bool,
    /// What keeps it there; empty when it sleeps, or will once it was idle for long enough.
    pub pinned_by: Vec<PinnedBy>,
    /// How many connections it has.
    pub connections: usize,
    /// The usage since the object was last forgotten. A sleeping object without connections is forgotten
    /// within a minute, and sooner where there are very many.
    pub metrics: ObjectMetrics,
}

impl ObjectHandle {
    /// What the object has used.
    pub(crate) fn metrics(&self) -> ObjectMetrics {
        let sockets = self.hub.metrics();
        ObjectMetrics {
            connected: sockets.connected,
            frames_in: sockets.frames_in,
            frames_out: sockets.frames_out,
            ..self.life.metrics()
        }
    }

    pub(crate) fn status(&self) -> ObjectStatus {
        ObjectStatus {
            class: self.key.class.to_string(),
            name: self.key.name.to_string(),
            awake: self.life.is_awake(),
            pinned_by: self.life.pinned_by(self.behavior.options().hibernate),
            connections: self.hub.metrics().sockets,
            metrics: self.metrics(),
        }
    }
}
