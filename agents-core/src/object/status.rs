//! The status of an object, for operators and tests.

use crate::object::{ObjectHandle, ObjectMetrics, PinnedBy};

/// The status of an object at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ObjectStatus {
    /// The class as it is written in addresses.
    pub class: String,
    /// The name as it is written in addresses.
    pub name: String,
    /// `true` if the object is in memory.
    pub awake: bool,
    /// The reasons why the object stays awake. Empty when it hibernates, or when it only waits for its idle
    /// time to end.
    pub pinned_by: Vec<PinnedBy>,
    /// The number of connections of the object.
    pub connections: usize,
    /// The usage since the object was last forgotten. A hibernating object without connections is forgotten
    /// within a minute, or earlier when the host has very many of them.
    pub metrics: ObjectMetrics,
}

impl ObjectHandle {
    /// Returns the usage of the object.
    pub(crate) fn metrics(&self) -> ObjectMetrics {
        let sockets = self.gateway.metrics();
        ObjectMetrics {
            connected: sockets.connected,
            frames_in: sockets.frames_in,
            frames_out: sockets.frames_out,
            ..self.lifecycle.metrics()
        }
    }

    pub(crate) fn status(&self) -> ObjectStatus {
        ObjectStatus {
            class: self.key.class.to_string(),
            name: self.key.name.to_string(),
            awake: self.lifecycle.is_awake(),
            pinned_by: self.lifecycle.pinned_by(self.behavior.options().hibernate),
            connections: self.gateway.metrics().sockets,
            metrics: self.metrics(),
        }
    }
}
