//! All objects of a host.

use std::fmt;
use std::sync::Arc;

use dashmap::DashMap;

use crate::object::activation::Environment;
use crate::object::{Behavior, ObjectHandle};

/// Names an object.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct ObjectKey {
    /// The class as it stands in addresses.
    pub(crate) class: Arc<str>,
    pub(crate) name: Arc<str>,
}

impl fmt::Debug for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.class, self.name)
    }
}

/// Finds the handle of an object; there is one for a name at any time.
pub(crate) struct Registry {
    objects: DashMap<ObjectKey, Arc<ObjectHandle>>,
    environment: Arc<Environment>,
}

impl Registry {
    pub(crate) fn new(environment: Environment) -> Self {
        Self { objects: DashMap::new(), environment: Arc::new(environment) }
    }

    /// The handle of an object, made if it is not there.
    pub(crate) fn object(&self, key: &ObjectKey, behavior: &Arc<dyn Behavior>) -> Arc<ObjectHandle> {
        if let Some(handle) = self.objects.get(key) {
            return handle.clone();
        }
        self.objects
            .entry(key.clone())
            .or_insert_with(|| ObjectHandle::new(key.clone(), behavior.clone(), self.environment.clone()))
            .clone()
    }

    /// Drops the handles of objects that sleep and have nobody connected.
    pub(crate) fn sweep(&self) {
        self.objects.retain(|_, handle| {
            // Whoever has the handle already finds its hub retired and comes back to the map, which
            // is locked until this is decided.
            if !handle.hub.try_retire() {
                return true;
            }
            let gone = handle.mailbox.try_retire();
            if !gone {
                handle.hub.unretire();
            }
            !gone
        });
    }

    /// How many objects have a handle.
    pub(crate) fn len(&self) -> usize {
        self.objects.len()
    }

    pub(crate) fn for_each(&self, mut each: impl FnMut(&ObjectHandle)) {
        for entry in &self.objects {
            each(entry.value());
        }
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry").field("objects", &self.len()).finish_non_exhaustive()
    }
}
