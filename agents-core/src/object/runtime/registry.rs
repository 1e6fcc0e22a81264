//! All objects of a host.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use dashmap::DashMap;
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::object::activation::Environment;
use crate::object::{Behavior, Command, ObjectHandle, ObjectKey, ObjectMetrics};

/// Finds the handle of an object; there is one for a name at any time.
pub(crate) struct Registry {
    objects: DashMap<ObjectKey, Arc<ObjectHandle>>,
    environment: Arc<Environment>,
    stopping: AtomicBool,
    /// What objects used whose handles are gone.
    forgotten: Mutex<ObjectMetrics>,
    /// The number of handles, and the number at which those that nothing needs are dropped.
    count: AtomicUsize,
    sweep_at: AtomicUsize,
    crowded: Arc<Notify>,
}

/// The handles of sleeping objects without connections that are kept until the next sweep; a quarter of all if that
/// is more.
const SPARE: usize = 1024;

impl Registry {
    pub(crate) fn new(environment: Environment) -> Self {
        Self {
            objects: DashMap::new(),
            environment: Arc::new(environment),
            stopping: AtomicBool::new(false),
            forgotten: Mutex::default(),
            count: AtomicUsize::new(0),
            sweep_at: AtomicUsize::new(SPARE),
            crowded: Arc::default(),
        }
    }

    pub(crate) fn environment(&self) -> &Environment {
        &self.environment
    }

    /// The handle of an object, made if it is not there.
    pub(crate) fn object(&self, key: &ObjectKey, behavior: &Arc<dyn Behavior>) -> Arc<ObjectHandle> {
        if let Some(handle) = self.objects.get(key) {
            return handle.clone();
        }
        let make = || {
            if self.count.fetch_add(1, Ordering::Relaxed) >= self.sweep_at.load(Ordering::Relaxed) {
                self.crowded.notify_one();
            }
            let handle = ObjectHandle::new(key.clone(), behavior.clone(), self.environment.clone());
            if self.stopping.load(Ordering::Acquire) {
                // It came too late for `stop` to find it.
                handle.command(Command::Stop);
                handle.hub.shut();
            }
            handle
        };
        self.objects.entry(key.clone()).or_insert_with(make).clone()
    }

    /// Tells all objects to stop, those too that are still to come.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
        self.for_each(|handle| handle.command(Command::Stop));
    }

    /// The handle of an object, if there is one.
    pub(crate) fn find(&self, key: &ObjectKey) -> Option<Arc<ObjectHandle>> {
        self.objects.get(key).map(|handle| handle.clone())
    }

    /// The object whose handle has this address, for the log.
    pub(crate) fn at(&self, address: usize) -> Option<ObjectKey> {
        let mut found = self.objects.iter().filter(|entry| entry.value().address() == address);
        found.next().map(|entry| entry.key().clone())
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
            if gone {
                *self.forgotten.lock() += handle.metrics();
                self.count.fetch_sub(1, Ordering::Relaxed);
            } else {
                handle.hub.unretire();
            }
            !gone
        });
        let left = self.count.load(Ordering::Relaxed);
        self.sweep_at.store(left + SPARE.max(left / 4), Ordering::Relaxed);
    }

    /// Told when there are so many handles that it is time for a [`sweep`](Self::sweep).
    pub(crate) fn crowded(&self) -> Arc<Notify> {
        self.crowded.clone()
    }

    /// How many objects have a handle.
    pub(crate) fn len(&self) -> usize {
        self.objects.len()
    }

    /// Returns the objects that a thread works on the disk for.
    pub(crate) fn on_disk(&self) -> Vec<ObjectKey> {
        let mut found = Vec::new();
        self.for_each(|handle| {
            if handle.disk.is_under_way() {
                found.push(handle.key.clone());
            }
        });
        found
    }

    /// Looks at all objects. The map is free meanwhile.
    pub(crate) fn for_each(&self, each: impl FnMut(Arc<ObjectHandle>)) {
        let handles: Vec<_> = self.objects.iter().map(|entry| entry.value().clone()).collect();
        handles.into_iter().for_each(each);
    }

    /// What all objects used, present and past, and how many of the present ones are awake.
    pub(crate) fn metrics(&self) -> (ObjectMetrics, usize) {
        let mut total = *self.forgotten.lock();
        let mut awake = 0;
        self.for_each(|handle| {
            total += handle.metrics();
            awake += usize::from(handle.is_awake());
        });
        (total, awake)
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry").field("objects", &self.len()).finish_non_exhaustive()
    }
}
