//! The registry of all objects of a host.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

use dashmap::DashMap;
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::gateway::{GatewayPort, ObjectPort, ToGateway};
use crate::object::activation::Environment;
use crate::object::{Behavior, Command, ObjectHandle, ObjectKey, ObjectMetrics};

/// The two sides of an object that is known to a host.
pub(crate) struct Known<G> {
    pub(crate) handle: Arc<ObjectHandle>,
    /// The gateway's side, for the sockets and requests of clients.
    pub(crate) gateway: Arc<G>,
}

/// Makes the gateway's side of an object, and the object's way to it.
type MakeGateway<G> = Box<dyn Fn(Weak<dyn ObjectPort>) -> (Arc<G>, Arc<dyn GatewayPort>) + Send + Sync>;

/// The handles of all objects. A name has one handle at any time.
pub(crate) struct Registry<G> {
    objects: DashMap<ObjectKey, Known<G>>,
    make_gateway: MakeGateway<G>,
    environment: Arc<Environment>,
    stopping: AtomicBool,
    /// The usage of objects whose handles are dropped.
    forgotten: Mutex<ObjectMetrics>,
    /// The number of handles. `sweep_at` is the number at which unneeded handles are dropped.
    count: AtomicUsize,
    sweep_at: AtomicUsize,
    crowded: Arc<Notify>,
}

/// The minimum number of new handles between two sweeps; a quarter of the remaining handles if that is more.
const SPARE: usize = 1024;

impl<G> Registry<G> {
    pub(crate) fn new(
        environment: Environment,
        make_gateway: impl Fn(Weak<dyn ObjectPort>) -> (Arc<G>, Arc<dyn GatewayPort>) + Send + Sync + 'static,
    ) -> Self {
        Self {
            objects: DashMap::new(),
            make_gateway: Box::new(make_gateway),
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

    /// Returns an object; creates its handle if it does not exist.
    pub(crate) fn object(&self, key: &ObjectKey, behavior: &Arc<dyn Behavior>) -> Known<G> {
        if let Some(known) = self.objects.get(key) {
            return Known { handle: known.handle.clone(), gateway: known.gateway.clone() };
        }
        let make = || {
            if self.count.fetch_add(1, Ordering::Relaxed) >= self.sweep_at.load(Ordering::Relaxed) {
                self.crowded.notify_one();
            }
            let mut side = None;
            let handle =
                ObjectHandle::new(key.clone(), behavior.clone(), self.environment.clone(), |object| {
                    let (gateway, port) = (self.make_gateway)(object);
                    side = Some(gateway);
                    port
                });
            let gateway = side.expect("a handle makes its gateway's side");
            if self.stopping.load(Ordering::Acquire) {
                // The handle was created too late for `stop` to find it.
                handle.command(Command::Stop);
                handle.gateway.apply(&mut [ToGateway::Shut]);
            }
            Known { handle, gateway }
        };
        let known = self.objects.entry(key.clone()).or_insert_with(make);
        Known { handle: known.handle.clone(), gateway: known.gateway.clone() }
    }

    /// Commands all objects to stop, including objects that are created later.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
        self.for_each(|handle| handle.command(Command::Stop));
    }

    /// Returns the handle of an object, if there is one.
    pub(crate) fn find(&self, key: &ObjectKey) -> Option<Arc<ObjectHandle>> {
        self.objects.get(key).map(|known| known.handle.clone())
    }

    /// Returns the object whose handle has this address, for the log.
    pub(crate) fn at(&self, address: usize) -> Option<ObjectKey> {
        let mut found = self.objects.iter().filter(|entry| entry.value().handle.address() == address);
        found.next().map(|entry| entry.key().clone())
    }

    /// Drops the handles of hibernating objects without connections.
    pub(crate) fn sweep(&self) {
        self.objects.retain(|_, Known { handle, .. }| {
            // A caller that already has the handle finds the gateway's side retired and returns to the map. The map is
            // locked until this is decided.
            if !handle.gateway.try_retire() {
                return true;
            }
            let gone = handle.mailbox.try_retire();
            if gone {
                *self.forgotten.lock() += handle.metrics();
                self.count.fetch_sub(1, Ordering::Relaxed);
            } else {
                handle.gateway.unretire();
            }
            !gone
        });
        let left = self.count.load(Ordering::Relaxed);
        self.sweep_at.store(left + SPARE.max(left / 4), Ordering::Relaxed);
    }

    /// Returns the notification for a [`sweep`](Self::sweep), sent when there are very many handles.
    pub(crate) fn crowded(&self) -> Arc<Notify> {
        self.crowded.clone()
    }

    /// Returns the number of handles.
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

    /// Calls `each` for all objects. The map is not locked meanwhile.
    pub(crate) fn for_each(&self, each: impl FnMut(Arc<ObjectHandle>)) {
        let handles: Vec<_> = self.objects.iter().map(|entry| entry.value().handle.clone()).collect();
        handles.into_iter().for_each(each);
    }

    /// Returns the usage of all objects, present and past, and the number of awake objects.
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

impl<G> fmt::Debug for Registry<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry").field("objects", &self.len()).finish_non_exhaustive()
    }
}
