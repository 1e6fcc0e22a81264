//! Limits the number of objects that are awake at the same time
//! ([`Limits::agents_awake`](crate::Limits::agents_awake)).
//!
//! An activation holds a slot from before its database is opened until its last resource is dropped. If no
//! slot is free, the new activation queues in arrival order, and idle objects are asked to hibernate:
//!
//! - a queued activation evicts one idle object immediately and then one every [`EVICTION_INTERVAL`];
//! - an object that becomes idle while others are queued hibernates immediately.
//!
//! An activation that gets no slot within [`MAX_WAIT`] is rejected. The bound is needed because a caller that
//! holds a slot may be waiting for a callee that needs one.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep_until};

use crate::object::{Command, ObjectHandle};

/// The maximum time that an activation waits for a slot.
const MAX_WAIT: Duration = Duration::from_secs(10);
/// The interval at which a queued activation evicts an idle object.
const EVICTION_INTERVAL: Duration = Duration::from_millis(100);

/// The slots for awake objects.
#[derive(Debug)]
pub(crate) struct AwakeSlots {
    slots: Arc<Semaphore>,
    waiting: AtomicUsize,
    idle: Mutex<Idle>,
}

/// Objects that were idle at least once since they woke, the oldest first.
#[derive(Debug, Default)]
struct Idle {
    listed: BTreeMap<u64, Weak<ObjectHandle>>,
    next: u64,
}

/// An activation that is counted as waiting until this is dropped.
struct Queued<'a>(&'a AtomicUsize);

impl AwakeSlots {
    pub(crate) fn new(most: usize) -> Self {
        let most = most.clamp(1, Semaphore::MAX_PERMITS);
        Self { slots: Arc::new(Semaphore::new(most)), waiting: AtomicUsize::new(0), idle: Mutex::default() }
    }

    /// Returns a slot for an object; `None` when no slot became free in time, or the host stops.
    ///
    /// Waiting activations get their slots in arrival order.
    pub(in crate::object) async fn enter(&self, object: &ObjectHandle) -> Option<OwnedSemaphorePermit> {
        if let Ok(slot) = self.slots.clone().try_acquire_owned() {
            return Some(slot);
        }
        let slot = self.slots.clone().acquire_owned();
        tokio::pin!(slot);
        let until = Instant::now() + MAX_WAIT;
        let _waits = Queued::new(&self.waiting);
        loop {
            self.evict_one();
            let next = until.min(Instant::now() + EVICTION_INTERVAL);
            tokio::select! {
                biased;
                slot = &mut slot => return slot.ok(),
                () = sleep_until(next) => {}
            }
            if next == until || object.is_stopping() {
                return None;
            }
        }
    }

    /// Returns whether an activation waits for a slot.
    pub(in crate::object) fn has_waiters(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) > 0
    }

    /// Registers an idle object that could hibernate; returns its number in the list.
    pub(in crate::object) fn register_idle(&self, object: &Arc<ObjectHandle>) -> u64 {
        let mut idle = self.idle.lock();
        let number = idle.next;
        idle.next += 1;
        idle.listed.insert(number, Arc::downgrade(object));
        number
    }

    /// Removes an object from the list.
    pub(in crate::object) fn unregister_idle(&self, number: u64) {
        self.idle.lock().listed.remove(&number);
    }

    /// Asks one object to hibernate as soon as nothing runs in it.
    fn evict_one(&self) {
        let first = self.idle.lock().listed.pop_first();
        if let Some(object) = first.and_then(|(_, object)| object.upgrade()) {
            object.command(Command::Sleep);
        }
    }
}

impl<'a> Queued<'a> {
    fn new(waiting: &'a AtomicUsize) -> Self {
        waiting.fetch_add(1, Ordering::Relaxed);
        Self(waiting)
    }
}

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
