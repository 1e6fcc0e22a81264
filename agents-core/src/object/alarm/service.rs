//! The handle on the index of alarms, which objects and the host share.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{Notify, oneshot};
use tokio_util::task::TaskTracker;

use super::task::{AlarmTask, NOTHING_DUE};
use crate::error::{Error, Result};
use crate::object::activation::disk_work::DiskWork;
use crate::object::{BoxFuture, ObjectHandle, ObjectKey};
use crate::storage::{AlarmChange, AlarmIndex, Change};
use crate::support::clock::Clock;

/// The maximum number of objects that are woken for their alarms at a time; at most half of the objects that
/// may be awake. Further objects wait until one of them is done.
const AT_ONCE: usize = 4096;
/// Finds the object of an alarm; `None` when its class is not registered.
pub(crate) type FindObject = Box<dyn Fn(&ObjectKey) -> Option<Arc<ObjectHandle>> + Send + Sync>;

/// A handle on the index of alarms; cheap to clone.
#[derive(Clone)]
pub(crate) struct AlarmService(Arc<Shared>);

struct Shared {
    /// The updates in their order. The list is short: an object waits for its registration, and reports one
    /// result for each commit.
    updates: Mutex<Vec<AlarmUpdate>>,
    changed: Notify,
    /// Set when no object is woken any more.
    waking_stopped: AtomicBool,
    stopped: AtomicBool,
    /// The maximum number of objects that are woken at a time.
    at_once: usize,
    disk: DiskWork,
}

pub(super) struct AlarmUpdate {
    pub(super) change: AlarmChange,
    /// `true` if the object has handled the alarm that woke it.
    pub(super) handled: bool,
    /// Notified when the change is on the disk.
    pub(super) done: Option<oneshot::Sender<Result<(), String>>>,
}

impl AlarmService {
    /// Returns a service for a host with this many slots for awake objects.
    pub(crate) fn new(awake: usize) -> Self {
        Self(Arc::new(Shared {
            at_once: AT_ONCE.min(awake / 2).max(1),
            updates: Mutex::default(),
            changed: Notify::new(),
            waking_stopped: AtomicBool::new(false),
            stopped: AtomicBool::new(false),
            disk: DiskWork::default(),
        }))
    }

    /// Returns whether a thread works on the index on the disk.
    pub(crate) fn is_on_disk(&self) -> bool {
        self.0.disk.is_under_way()
    }

    /// Makes sure that the object is woken at this time or earlier; completes when that is on the disk.
    pub(in crate::object) fn register(&self, key: &ObjectKey, at: u64) -> BoxFuture<'static, Result<()>> {
        let (sender, receiver) = oneshot::channel();
        self.update(key, Change::NotLaterThan(at), false, Some(sender));
        Box::pin(async move {
            match receiver.await {
                Ok(Ok(())) => Ok(()),
                Ok(Err(text)) => Err(Error::hidden("alarm_index", text)),
                Err(_) => Err(Error::hidden("alarm_index", "the index of alarms is closed")),
            }
        })
    }

    /// Reports the alarm that an object has committed.
    pub(in crate::object) fn report_committed(&self, key: &ObjectKey, at: Option<u64>) {
        self.update(key, at.map_or(Change::Gone, Change::Exactly), true, None);
    }

    /// Wakes an object again whose activation ended while its alarm was firing.
    pub(in crate::object) fn again(&self, key: &ObjectKey) {
        self.update(key, Change::NotLaterThan(0), true, None);
    }

    fn update(
        &self,
        key: &ObjectKey,
        change: Change,
        handled: bool,
        done: Option<oneshot::Sender<Result<(), String>>>,
    ) {
        let change = AlarmChange { class: key.class.to_string(), name: key.name.to_string(), change };
        self.0.updates.lock().push(AlarmUpdate { change, handled, done });
        self.0.changed.notify_one();
    }

    /// Stops waking objects. Reports of objects are still written.
    pub(crate) fn stop_waking(&self) {
        self.0.waking_stopped.store(true, Ordering::Release);
    }

    /// Ends the service once all reports are written.
    pub(crate) fn stop(&self) {
        self.stop_waking();
        self.0.stopped.store(true, Ordering::Release);
        self.0.changed.notify_one();
    }

    /// Runs the service until it is stopped.
    pub(crate) async fn run(self, index: AlarmIndex, clock: Clock, find: FindObject, posts: TaskTracker) {
        let shared = self.0;
        let mut task = AlarmTask::new(index, clock, find, posts, shared.at_once, shared.disk.clone());
        loop {
            let updates = std::mem::take(&mut *shared.updates.lock());
            if !updates.is_empty() {
                task.apply(updates).await;
                continue;
            }
            task.retry().await;
            if shared.stopped.load(Ordering::Acquire) {
                // A change that cannot be written now leaves an entry that is too early, and nothing worse.
                let _ = task.write().await;
                return;
            }
            task.fill().await;
            let waking_stopped = shared.waking_stopped.load(Ordering::Acquire);
            let pause = if waking_stopped { NOTHING_DUE } else { task.wake_due().await };
            let pause = task.until_retry().map_or(pause, |retry| pause.min(retry));
            let pause = if task.fills() { Duration::ZERO } else { pause };
            tokio::select! {
                () = shared.changed.notified() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }
}

impl fmt::Debug for AlarmService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AlarmService").finish_non_exhaustive()
    }
}
