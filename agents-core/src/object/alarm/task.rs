//! The task that wakes objects for their alarms.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use parking_lot::Mutex;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use super::service::{AlarmUpdate, FindObject};
use crate::error::Result;
use crate::gateway::{ToObject, post};
use crate::object::ObjectKey;
use crate::object::activation::disk_work::DiskWork;
use crate::storage::{AlarmChange, AlarmIndex, Change, SqlErrorKind, StorageError};
use crate::support::clock::Clock;

/// The time for which a woken object counts in that number. An object that takes longer is working, and does
/// not delay the wake of another.
const WAKING: Duration = Duration::from_secs(30);
/// The maximum sleep, because the clock of the machine may be set meanwhile.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);
/// The sleep when only an update can end it.
pub(super) const NOTHING_DUE: Duration = Duration::from_secs(u32::MAX as u64);

/// The wait before an unusable index is tried again; it doubles each time.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// The number of disk failures after which the index is rebuilt elsewhere on the disk.
const FAILURES_UNTIL_REBUILD: u32 = 3;
/// The maximum number of objects with changes that could not be written. No object is woken beyond that.
const UNWRITTEN: usize = 16 * 1024;
/// The number of files that are read at a time while the index is rebuilt.
const FILES: usize = 64;

pub(super) struct AlarmTask {
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
    failure: Option<Failure>,
    /// Set while the index is rebuilt from the files of the objects.
    filling: bool,
}

/// The state of an index that could not be used.
struct Failure {
    /// The number of failures since the index was last usable.
    failures: u32,
    /// The time of the next try.
    retry_at: Instant,
    /// `true` if the index has to be rebuilt.
    damaged: bool,
    /// `true` if reading fails too.
    unreadable: bool,
}

impl AlarmTask {
    pub(super) fn new(
        index: AlarmIndex,
        clock: Clock,
        find: FindObject,
        posts: TaskTracker,
        at_once: usize,
        disk: DiskWork,
    ) -> Self {
        Self {
            filling: index.is_filling(),
            index: Arc::new(Mutex::new(index)),
            clock,
            find,
            posts,
            woken: HashMap::new(),
            at_once,
            disk,
            unwritten: HashMap::new(),
            failure: None,
        }
    }

    pub(super) async fn apply(&mut self, updates: Vec<AlarmUpdate>) {
        let mut waiting = Vec::new();
        for AlarmUpdate { change: AlarmChange { class, name, change }, handled, done } in updates {
            let key = ObjectKey { class: class.into(), name: name.into() };
            if handled {
                self.woken.remove(&key);
            }
            let full = self.unwritten.len() >= UNWRITTEN && self.failure.is_some() && done.is_none();
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
        if waiting.is_empty() && self.failure.is_some() {
            return;
        }
        let mut result = self.write().await;
        if result.is_err() && self.failure.as_ref().is_some_and(|failure| failure.damaged) {
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
    pub(super) async fn write(&mut self) -> Result<(), String> {
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
                if wrote && self.failure.as_ref().is_some_and(|failure| !failure.damaged) {
                    self.recovered();
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
    pub(super) async fn retry(&mut self) {
        let Some(failure) = self.failure.as_ref().filter(|failure| failure.retry_at <= Instant::now()) else {
            return;
        };
        if failure.damaged {
            match self.blocking(AlarmIndex::renew).await {
                Ok(()) => {
                    self.filling = true;
                    if let Some(failure) = &mut self.failure {
                        failure.damaged = false;
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
            Ok(_) => self.recovered(),
            Err(error) => self.failed(&error, true),
        }
    }

    fn failed(&mut self, error: &StorageError, reading: bool) {
        let first = self.failure.is_none();
        let now = Instant::now();
        let failure = self.failure.get_or_insert(Failure {
            failures: 0,
            retry_at: now,
            damaged: false,
            unreadable: false,
        });
        failure.unreadable |= reading;
        if failure.retry_at > now {
            // A waiting caller causes a try in between; that try does not postpone the next one.
            return;
        }
        failure.failures = failure.failures.saturating_add(1);
        failure.damaged |= AlarmIndex::is_damage(error)
            // A part of the disk that does not respond is abandoned.
            || (error.kind().is_some_and(SqlErrorKind::is_of_system)
                && failure.failures >= FAILURES_UNTIL_REBUILD);
        let pause = if first && failure.damaged {
            Duration::ZERO
        } else {
            LONGEST_PAUSE.min(FIRST_PAUSE * (1 << (failure.failures - 1).min(10)))
        };
        failure.retry_at = now + pause;
        if first {
            tracing::error!(
                %error,
                "the index of alarms cannot be used; known alarms still fire, and the index is retried with increasing pauses"
            );
        } else {
            tracing::debug!(%error, failures = failure.failures, "the index of alarms still cannot be used");
        }
    }

    fn recovered(&mut self) {
        if let Some(failure) = self.failure.take() {
            tracing::warn!(failures = failure.failures, "the index of alarms can be used again");
        }
    }

    pub(super) fn until_retry(&self) -> Option<Duration> {
        let failure = self.failure.as_ref()?;
        Some(failure.retry_at.saturating_duration_since(Instant::now()))
    }

    pub(super) fn fills(&self) -> bool {
        self.filling && self.failure.is_none()
    }

    /// Reads some more files of objects while the index is rebuilt.
    pub(super) async fn fill(&mut self) {
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
    pub(super) async fn wake_due(&mut self) -> Duration {
        if self.unwritten.len() >= UNWRITTEN {
            // The reports of further objects could not be kept.
            return NOTHING_DUE;
        }
        let limit = self.woken.len() + self.unwritten.len() + 256;
        let now = self.clock.now_ms();
        let readable = self.failure.as_ref().is_none_or(|failure| !failure.unreadable);
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
            tracing::warn!(
                class = &*key.class,
                name = &*key.name,
                "an alarm is for a class that is not registered; it fires once the class is registered"
            );
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
