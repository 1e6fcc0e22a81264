//! The service that wakes objects for their alarms: one task for each host, with one index on the disk for
//! all objects.
//!
//! The index may be early but is never late. Before an object commits an alarm, the index has that alarm or
//! an earlier one on the disk. When an alarm is deleted or moved back, the index is updated after the commit.
//! An object that is woken too early reports its true alarm, and the index is corrected. So the start of a
//! host scans no objects, and no alarm is lost between two files.
//!
//! A damaged index is rebuilt while objects work and alarms fire. When the index cannot be written, for
//! example because the disk is full, the reports of objects are kept in memory and override its entries. So
//! no object is woken repeatedly for an alarm that is done.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use parking_lot::Mutex;
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use crate::error::{Error, Result};
use crate::gateway::{ToObject, post};
use crate::object::activation::disk_work::DiskWork;
use crate::object::{BoxFuture, ObjectHandle, ObjectKey};
use crate::storage::{AlarmChange, AlarmIndex, Change, SqlErrorKind, StorageError};
use crate::support::clock::Clock;

/// The maximum number of objects that are woken for their alarms at a time; at most half of the objects that
/// may be awake. Further objects wait until one of them is done.
const AT_ONCE: usize = 4096;
/// The time for which a woken object counts in that number. An object that takes longer is working, and does
/// not delay the wake of another.
const WAKING: Duration = Duration::from_secs(30);
/// The maximum sleep, because the clock of the machine may be set meanwhile.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);
/// The sleep when only an update can end it.
const NOTHING_DUE: Duration = Duration::from_secs(u32::MAX as u64);

/// The wait before an unusable index is tried again; it doubles each time.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// The number of disk failures after which the index is rebuilt elsewhere on the disk.
const GIVEN_UP: u32 = 3;
/// The maximum number of objects with changes that could not be written. No object is woken beyond that.
const UNWRITTEN: usize = 16 * 1024;
/// The number of files that are read at a time while the index is rebuilt.
const FILES: usize = 64;

/// Finds the object of an alarm; `None` when its class is not registered.
pub(crate) type FindObject = Box<dyn Fn(&ObjectKey) -> Option<Arc<ObjectHandle>> + Send + Sync>;

/// A handle on the index of alarms; cheap to clone.
#[derive(Clone)]
pub(crate) struct AlarmService(Arc<Shared>);

struct Shared {
    /// The updates in their order. The list is short: an object waits for its registration, and reports one
    /// result for each commit.
    orders: Mutex<Vec<AlarmUpdate>>,
    news: Notify,
    /// Set when no object is woken any more.
    quiet: AtomicBool,
    stopped: AtomicBool,
    /// The maximum number of objects that are woken at a time.
    at_once: usize,
    disk: DiskWork,
}

struct AlarmUpdate {
    change: AlarmChange,
    /// `true` if the object has handled the alarm that woke it.
    handled: bool,
    /// Notified when the change is on the disk.
    done: Option<oneshot::Sender<Result<(), String>>>,
}

/// The entry of the index for an object, as far as the object's handle knows it.
#[derive(Debug, Default)]
pub(crate) struct Indexed(Mutex<Known>);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Known {
    #[default]
    Nothing,
    At(Option<u64>),
}

impl Indexed {
    /// Returns whether the index wakes the object at this time or earlier.
    pub(in crate::object) fn covers(&self, at: u64) -> bool {
        matches!(*self.0.lock(), Known::At(Some(indexed)) if indexed <= at)
    }

    pub(in crate::object) fn set(&self, at: Option<u64>) {
        *self.0.lock() = Known::At(at);
    }

    pub(in crate::object) fn forget(&self) {
        *self.0.lock() = Known::Nothing;
    }
}

impl AlarmService {
    /// Returns a service for a host with this many slots for awake objects.
    pub(crate) fn new(awake: usize) -> Self {
        Self(Arc::new(Shared {
            at_once: AT_ONCE.min(awake / 2).max(1),
            orders: Mutex::default(),
            news: Notify::new(),
            quiet: AtomicBool::new(false),
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
        self.order(key, Change::NotLaterThan(at), false, Some(sender));
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
        self.order(key, at.map_or(Change::Gone, Change::Exactly), true, None);
    }

    /// Wakes an object again whose activation ended while its alarm was firing.
    pub(in crate::object) fn again(&self, key: &ObjectKey) {
        self.order(key, Change::NotLaterThan(0), true, None);
    }

    fn order(
        &self,
        key: &ObjectKey,
        change: Change,
        handled: bool,
        done: Option<oneshot::Sender<Result<(), String>>>,
    ) {
        let change = AlarmChange { class: key.class.to_string(), name: key.name.to_string(), change };
        self.0.orders.lock().push(AlarmUpdate { change, handled, done });
        self.0.news.notify_one();
    }

    /// Stops waking objects. Reports of objects are still written.
    pub(crate) fn quiet(&self) {
        self.0.quiet.store(true, Ordering::Release);
    }

    /// Ends the service once all reports are written.
    pub(crate) fn stop(&self) {
        self.quiet();
        self.0.stopped.store(true, Ordering::Release);
        self.0.news.notify_one();
    }

    /// Runs the service until it is stopped.
    pub(crate) async fn run(self, index: AlarmIndex, clock: Clock, find: FindObject, posts: TaskTracker) {
        let shared = self.0;
        let mut service = Service {
            filling: index.is_filling(),
            index: Arc::new(Mutex::new(index)),
            clock,
            find,
            posts,
            woken: HashMap::new(),
            at_once: shared.at_once,
            disk: shared.disk.clone(),
            unwritten: HashMap::new(),
            trouble: None,
        };
        loop {
            let orders = std::mem::take(&mut *shared.orders.lock());
            if !orders.is_empty() {
                service.apply(orders).await;
                continue;
            }
            service.retry().await;
            if shared.stopped.load(Ordering::Acquire) {
                // A change that cannot be written now leaves an entry that is too early, and nothing worse.
                let _ = service.write().await;
                return;
            }
            service.fill().await;
            let quiet = shared.quiet.load(Ordering::Acquire);
            let pause = if quiet { NOTHING_DUE } else { service.wake_due().await };
            let pause = service.until_retry().map_or(pause, |retry| pause.min(retry));
            let pause = if service.fills() { Duration::ZERO } else { pause };
            tokio::select! {
                () = shared.news.notified() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }
}

struct Service {
    index: Arc<Mutex<AlarmIndex>>,
    clock: Clock,
    find: FindObject,
    posts: TaskTracker,
    /// The objects that were woken and have not reported a result, with the time of waking; `None` for an
    /// object that cannot be woken because its class is not registered.
    woken: HashMap<ObjectKey, Option<Instant>>,
    at_once: usize,
    disk: DiskWork,
    /// The changes that could not be written. A change here overrides the entry of the index for the same
    /// object.
    unwritten: HashMap<ObjectKey, Change>,
    trouble: Option<Trouble>,
    /// Set while the index is rebuilt from the files of the objects.
    filling: bool,
}

/// The state of an index that could not be used.
struct Trouble {
    /// The number of failures since the index was last usable.
    failures: u32,
    /// The time of the next try.
    retry_at: Instant,
    /// `true` if the index has to be rebuilt.
    damaged: bool,
    /// `true` if reading fails too.
    unreadable: bool,
}

impl Service {
    async fn apply(&mut self, orders: Vec<AlarmUpdate>) {
        let mut waiting = Vec::new();
        for AlarmUpdate { change: AlarmChange { class, name, change }, handled, done } in orders {
            let key = ObjectKey { class: class.into(), name: name.into() };
            if handled {
                self.woken.remove(&key);
            }
            let full = self.unwritten.len() >= UNWRITTEN && self.trouble.is_some() && done.is_none();
            match self.unwritten.entry(key) {
                Entry::Occupied(mut known) => {
                    let change = after(*known.get(), change);
                    known.insert(change);
                }
                // The index may be early: the only loss is an unneeded wake.
                Entry::Vacant(_) if full => {}
                Entry::Vacant(new) => {
                    new.insert(change);
                }
            }
            waiting.extend(done);
        }
        // A caller that waits gets its result now. Other changes can wait for the next try.
        if waiting.is_empty() && self.trouble.is_some() {
            return;
        }
        let mut result = self.write().await;
        if result.is_err() && self.trouble.as_ref().is_some_and(|trouble| trouble.damaged) {
            self.retry().await;
            if self.unwritten.is_empty() {
                result = Ok(());
            }
        }
        for waiting in waiting {
            // A caller that was dropped meanwhile needs no result.
            let _ = waiting.send(result.clone());
        }
    }

    /// Writes the changes that are not written yet.
    async fn write(&mut self) -> Result<(), String> {
        let unwritten = &self.unwritten;
        let changes: Vec<_> = unwritten
            .iter()
            .map(|(key, change)| AlarmChange {
                class: key.class.to_string(),
                name: key.name.to_string(),
                change: *change,
            })
            .collect();
        let wrote = !changes.is_empty();
        match self.blocking(move |index| index.apply(&changes)).await {
            Ok(()) => {
                self.unwritten.clear();
                if wrote && self.trouble.as_ref().is_some_and(|trouble| !trouble.damaged) {
                    self.mended();
                }
                Ok(())
            }
            Err(error) => {
                let text = error.to_string();
                self.failed(&error, false);
                Err(text)
            }
        }
    }

    /// Retries after a failure when the time has come: rebuilds a damaged index, writes and reads.
    async fn retry(&mut self) {
        let Some(trouble) = self.trouble.as_ref().filter(|trouble| trouble.retry_at <= Instant::now()) else {
            return;
        };
        if trouble.damaged {
            match self.blocking(AlarmIndex::renew).await {
                Ok(()) => {
                    self.filling = true;
                    if let Some(trouble) = &mut self.trouble {
                        trouble.damaged = false;
                    }
                    tracing::warn!("the index of alarms is rebuilt from the files of the agents");
                }
                Err(error) => return self.failed(&error, true),
            }
        }
        if self.write().await.is_err() {
            return;
        }
        match self.blocking(|index| index.first()).await {
            Ok(_) => self.mended(),
            Err(error) => self.failed(&error, true),
        }
    }

    fn failed(&mut self, error: &StorageError, reading: bool) {
        let first = self.trouble.is_none();
        let now = Instant::now();
        let trouble = self.trouble.get_or_insert(Trouble {
            failures: 0,
            retry_at: now,
            damaged: false,
            unreadable: false,
        });
        trouble.unreadable |= reading;
        if trouble.retry_at > now {
            // A waiting caller causes a try in between; that try does not postpone the next one.
            return;
        }
        trouble.failures = trouble.failures.saturating_add(1);
        trouble.damaged |= AlarmIndex::is_damage(error)
            // A part of the disk that does not respond is abandoned.
            || (error.kind().is_some_and(SqlErrorKind::is_of_system) && trouble.failures >= GIVEN_UP);
        let pause = if first && trouble.damaged {
            Duration::ZERO
        } else {
            LONGEST_PAUSE.min(FIRST_PAUSE * (1 << (trouble.failures - 1).min(10)))
        };
        trouble.retry_at = now + pause;
        if first {
            tracing::error!(
                %error,
                "the index of alarms cannot be used; known alarms still fire, and the index is retried with increasing pauses"
            );
        } else {
            tracing::debug!(%error, failures = trouble.failures, "the index of alarms still cannot be used");
        }
    }

    fn mended(&mut self) {
        if let Some(trouble) = self.trouble.take() {
            tracing::warn!(failures = trouble.failures, "the index of alarms can be used again");
        }
    }

    fn until_retry(&self) -> Option<Duration> {
        let trouble = self.trouble.as_ref()?;
        Some(trouble.retry_at.saturating_duration_since(Instant::now()))
    }

    fn fills(&self) -> bool {
        self.filling && self.trouble.is_none()
    }

    /// Reads some more files of objects while the index is rebuilt.
    async fn fill(&mut self) {
        if !self.fills() {
            return;
        }
        let fill = |index: &mut AlarmIndex| {
            index.fill(FILES)?;
            Ok(index.is_filling())
        };
        match self.blocking(fill).await {
            Ok(filling) => self.filling = filling,
            Err(error) => self.failed(&error, false),
        }
    }

    /// Wakes the objects that are due; returns the time until the next alarm is due.
    async fn wake_due(&mut self) -> Duration {
        if self.unwritten.len() >= UNWRITTEN {
            // The reports of further objects could not be kept.
            return NOTHING_DUE;
        }
        let limit = self.woken.len() + self.unwritten.len() + 256;
        let now = self.clock.now_ms();
        let readable = self.trouble.as_ref().is_none_or(|trouble| !trouble.unreadable);
        let look = move |index: &mut AlarmIndex| match readable {
            true => Ok((index.due(now, limit)?, index.next_after(now)?)),
            false => Ok((Vec::new(), None)),
        };
        let (rows, mut next) = match self.blocking(look).await {
            Ok(found) => found,
            Err(error) => {
                self.failed(&error, true);
                return Duration::ZERO;
            }
        };
        let more = rows.len() == limit;
        let mut due = Vec::new();
        for (class, name, _) in rows {
            let key = ObjectKey { class: class.into(), name: name.into() };
            if !self.unwritten.contains_key(&key) {
                due.push(key);
            }
        }
        for (key, change) in &self.unwritten {
            match change {
                Change::Exactly(at) | Change::NotLaterThan(at) if *at <= now => due.push(key.clone()),
                Change::Exactly(at) | Change::NotLaterThan(at) => {
                    next = Some(next.map_or(*at, |next| next.min(*at)));
                }
                Change::Gone => {}
            }
        }
        let lately = Instant::now().checked_sub(WAKING);
        let is_waking =
            |woken: &&Option<Instant>| woken.is_some_and(|woken| lately.is_none_or(|lately| woken > lately));
        let mut waking = self.woken.values().filter(is_waking).count();
        for key in due {
            if self.woken.contains_key(&key) {
                continue;
            }
            if waking >= self.at_once {
                // The other objects wait until one is done or has been working for a long time.
                return WAKING;
            }
            waking += usize::from(self.wake(key));
        }
        if more {
            return Duration::ZERO;
        }
        let Some(at) = next else { return NOTHING_DUE };
        let pause = Duration::from_millis(at.saturating_sub(now));
        // A virtual clock is never set, so the sleep needs no maximum.
        if matches!(self.clock, Clock::System) { pause.min(LONGEST_SLEEP) } else { pause }
    }

    /// Wakes an object; returns `false` when its class is not registered.
    fn wake(&mut self, key: ObjectKey) -> bool {
        let Some(handle) = (self.find)(&key) else {
            tracing::warn!(object = ?key, "an alarm is for a class that is not registered; it fires once the class is registered");
            self.woken.insert(key, None);
            return false;
        };
        self.woken.insert(key.clone(), Some(Instant::now()));
        // Usually the mailbox is not full, and the delivery needs no task.
        let mut post = Box::pin(async move { post(&*handle, ToObject::Alarm).await });
        match (&mut post).now_or_never() {
            Some(Ok(())) => true,
            Some(Err(_)) => self.wake(key),
            None => {
                self.posts.spawn(post);
                true
            }
        }
    }

    async fn blocking<R: Send + 'static>(
        &self,
        work: impl FnOnce(&mut AlarmIndex) -> Result<R, StorageError> + Send + 'static,
    ) -> Result<R, StorageError> {
        let index = self.index.clone();
        let done = self.disk.spawn(move || work(&mut index.lock())).await;
        done.unwrap_or(Err(StorageError::Misuse("the work on the index of alarms was cancelled")))
    }
}

/// Returns the change that has the effect of two changes of one entry.
fn after(first: Change, second: Change) -> Change {
    match (first, second) {
        (Change::NotLaterThan(one), Change::NotLaterThan(other)) => Change::NotLaterThan(one.min(other)),
        (Change::Exactly(one), Change::NotLaterThan(other)) => Change::Exactly(one.min(other)),
        (Change::Gone, Change::NotLaterThan(at)) => Change::Exactly(at),
        (_, last) => last,
    }
}

impl fmt::Debug for AlarmService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AlarmService").finish_non_exhaustive()
    }
}
