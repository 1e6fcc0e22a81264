//! How many objects are in memory at a time.
//!
//! Each activation has a place from before it opens its database until everything of it is gone. When there
//! is none left, whoever has to start waits in a queue, and idle objects are told to sleep: those that wait
//! pick them from a list, and those that become idle meanwhile sleep at once.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep_until};

use crate::object::{Command, ObjectHandle};

/// How long an object waits for a place.
const MAX_WAIT: Duration = Duration::from_secs(10);
/// How often somebody who waits tells another idle object to sleep.
const EVICTION_INTERVAL: Duration = Duration::from_millis(100);

/// The places for objects that are awake.
#[derive(Debug)]
pub(crate) struct AwakeSlots {
    slots: Arc<Semaphore>,
    waiting: AtomicUsize,
    idle: Mutex<Idle>,
}

/// Objects that were idle at least once since they woke; the oldest first.
#[derive(Debug, Default)]
struct Idle {
    listed: BTreeMap<u64, Weak<ObjectHandle>>,
    next: u64,
}

/// Somebody waits.
struct Queued<'a>(&'a AtomicUsize);

impl AwakeSlots {
    pub(crate) fn new(most: usize) -> Self {
        let most = most.clamp(1, Semaphore::MAX_PERMITS);
        Self { slots: Arc::new(Semaphore::new(most)), waiting: AtomicUsize::new(0), idle: Mutex::default() }
    }

    /// A place for an object; `None` when none became free in time, or the host stops.
    ///
    /// Those who wait get theirs in the order in which they came.
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

    /// Tells whether somebody waits for a place.
    pub(in crate::object) fn has_waiters(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) > 0
    }

    /// Notes an object that is idle and could sleep; returns its place in the list.
    pub(in crate::object) fn register_idle(&self, object: &Arc<ObjectHandle>) -> u64 {
        let mut idle = self.idle.lock();
        let number = idle.next;
        idle.next += 1;
        idle.listed.insert(number, Arc::downgrade(object));
        number
    }

    /// Takes an object off the list.
    pub(in crate::object) fn unregister_idle(&self, number: u64) {
        self.idle.lock().listed.remove(&number);
    }

    /// Tells one object to sleep as soon as nothing runs in it.
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
