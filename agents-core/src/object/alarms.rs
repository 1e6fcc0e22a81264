//! When objects are to be woken: one task a host, one index on the disk for all objects.
//!
//! The index may be early and is never late. Before an object commits an alarm, the index has it,
//! or an earlier one, on the disk; when an alarm goes away or moves back, the index hears of it
//! after the commit. An object that is woken for nothing says so, and the index is put right. So
//! nothing is scanned when a host starts, and no alarm is lost between two files.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use parking_lot::Mutex;
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::gateway::ToObject;
use crate::object::{BoxFuture, ObjectHandle, ObjectKey};
use crate::storage::{AlarmChange, AlarmIndex, Change};

/// How many objects are woken for their alarms at a time, and at most half of those that may be awake; further ones wait
/// for one to be done.
const AT_ONCE: usize = 4096;
/// How long an object that was woken counts among those. One that takes longer is at work, and keeps no other from
/// being woken.
const WAKING: Duration = Duration::from_secs(30);
/// How long to sleep at most: the machine's clock may be set meanwhile.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);
/// How long to sleep when only news can end it.
const NOTHING_DUE: Duration = Duration::from_secs(u32::MAX as u64);

/// Finds the object that an alarm is for; `None` when its class is not registered.
pub(crate) type FindObject = Box<dyn Fn(&ObjectKey) -> Option<Arc<ObjectHandle>> + Send + Sync>;

/// The way to the index of alarms; cheap to clone.
#[derive(Clone)]
pub(crate) struct Alarms(Arc<Shared>);

struct Shared {
    /// In order, and few: an object waits for its registration, and reports one result a commit.
    orders: Mutex<Vec<Order>>,
    news: Notify,
    /// Nobody is woken any more.
    quiet: AtomicBool,
    stopped: AtomicBool,
    /// How many objects are woken at a time.
    at_once: usize,
}

struct Order {
    change: AlarmChange,
    /// The object has handled what it was woken for.
    handled: bool,
    /// Told when the change is on the disk.
    done: Option<oneshot::Sender<Result<(), String>>>,
}

/// What the index has for an object, as far as the object's handle knows.
#[derive(Debug, Default)]
pub(crate) struct Indexed(Mutex<Known>);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Known {
    #[default]
    Nothing,
    At(Option<u64>),
}

impl Indexed {
    /// Tells whether the index wakes the object at this time or earlier.
    pub(super) fn covers(&self, at: u64) -> bool {
        matches!(*self.0.lock(), Known::At(Some(indexed)) if indexed <= at)
    }

    pub(super) fn set(&self, at: Option<u64>) {
        *self.0.lock() = Known::At(at);
    }

    pub(super) fn forget(&self) {
        *self.0.lock() = Known::Nothing;
    }
}

impl Alarms {
    /// A service for a host with so many places for objects that are awake.
    pub(crate) fn new(awake: usize) -> Self {
        Self(Arc::new(Shared {
            at_once: AT_ONCE.min(awake / 2).max(1),
            orders: Mutex::default(),
            news: Notify::new(),
            quiet: AtomicBool::new(false),
            stopped: AtomicBool::new(false),
        }))
    }

    /// Makes sure that the object is woken at this time or earlier; done when that is on the disk.
    pub(super) fn register(&self, key: &ObjectKey, at: u64) -> BoxFuture<'static, Result<()>> {
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

    /// Says what an object has committed.
    pub(super) fn settle(&self, key: &ObjectKey, at: Option<u64>) {
        self.order(key, at.map_or(Change::Gone, Change::Exactly), true, None);
    }

    /// Wakes an object again whose life ended while its alarm rang.
    pub(super) fn again(&self, key: &ObjectKey) {
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
        self.0.orders.lock().push(Order { change, handled, done });
        self.0.news.notify_one();
    }

    /// Wakes nobody any more; what objects still say is written.
    pub(crate) fn quiet(&self) {
        self.0.quiet.store(true, Ordering::Release);
    }

    /// Ends the service once everything that was said is written.
    pub(crate) fn stop(&self) {
        self.quiet();
        self.0.stopped.store(true, Ordering::Release);
        self.0.news.notify_one();
    }

    /// Serves the index until it is stopped.
    pub(crate) async fn run(self, index: AlarmIndex, clock: Clock, find: FindObject, posts: TaskTracker) {
        let shared = self.0;
        let mut service = Service {
            index: Arc::new(Mutex::new(index)),
            clock,
            find,
            posts,
            woken: HashMap::new(),
            at_once: shared.at_once,
        };
        loop {
            let orders = std::mem::take(&mut *shared.orders.lock());
            if !orders.is_empty() {
                service.apply(orders).await;
                continue;
            }
            if shared.stopped.load(Ordering::Acquire) {
                return;
            }
            let quiet = shared.quiet.load(Ordering::Acquire);
            let pause = if quiet { NOTHING_DUE } else { service.wake_due().await };
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
    /// Who was woken and has not said what became of it, and when; `None` for those that cannot be woken, because their
    /// class is not registered.
    woken: HashMap<ObjectKey, Option<Instant>>,
    at_once: usize,
}

impl Service {
    async fn apply(&mut self, orders: Vec<Order>) {
        let mut changes = Vec::with_capacity(orders.len());
        let mut waiting = Vec::new();
        for order in orders {
            if order.handled {
                let class: Arc<str> = order.change.class.as_str().into();
                self.woken.remove(&ObjectKey { class, name: order.change.name.as_str().into() });
            }
            changes.push(order.change);
            waiting.extend(order.done);
        }
        let applied = self.blocking(move |index| index.apply(&changes)).await;
        let result = applied.map_err(|error| {
            tracing::error!(%error, "the index of alarms was not written");
            error.to_string()
        });
        for waiting in waiting {
            // One that was given up meanwhile needs no answer.
            let _ = waiting.send(result.clone());
        }
    }

    /// Wakes the objects whose time has come; how long nothing is due after that.
    async fn wake_due(&mut self) -> Duration {
        let limit = self.woken.len() + 256;
        let now = self.clock.now_ms();
        let look = move |index: &mut AlarmIndex| Ok((index.due(now, limit)?, index.next_after(now)?));
        let (rows, next) = match self.blocking(look).await {
            Ok(found) => found,
            Err(error) => {
                tracing::error!(%error, "the index of alarms cannot be read");
                return LONGEST_SLEEP;
            }
        };
        let more = rows.len() == limit;
        let lately = Instant::now().checked_sub(WAKING);
        let is_waking =
            |woken: &&Option<Instant>| woken.is_some_and(|woken| lately.is_none_or(|lately| woken > lately));
        let mut waking = self.woken.values().filter(is_waking).count();
        for (class, name, _) in rows {
            let key = ObjectKey { class: class.into(), name: name.into() };
            if self.woken.contains_key(&key) {
                continue;
            }
            if waking >= self.at_once {
                // The others wait until one is handled, or has been at work for long.
                return WAKING;
            }
            waking += usize::from(self.wake(key));
        }
        if more {
            return Duration::ZERO;
        }
        let Some(at) = next else { return NOTHING_DUE };
        let pause = Duration::from_millis(at.saturating_sub(now));
        // A virtual clock is never set, and need not be looked at in between.
        if matches!(self.clock, Clock::System) { pause.min(LONGEST_SLEEP) } else { pause }
    }

    /// Wakes an object; `false` when its class is not registered.
    fn wake(&mut self, key: ObjectKey) -> bool {
        let Some(handle) = (self.find)(&key) else {
            tracing::warn!(object = ?key, "an alarm is for a class that is not registered; it waits");
            self.woken.insert(key, None);
            return false;
        };
        self.woken.insert(key.clone(), Some(Instant::now()));
        // The usual case needs no task: there is room in the mailbox.
        let mut post = Box::pin(async move { handle.deliver(ToObject::Alarm).await });
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
        work: impl FnOnce(&mut AlarmIndex) -> crate::storage::Result<R> + Send + 'static,
    ) -> Result<R> {
        let index = self.index.clone();
        tokio::task::spawn_blocking(move || work(&mut index.lock()))
            .await?
            .map_err(|error| error.into_error())
    }
}

impl fmt::Debug for Alarms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Alarms").finish_non_exhaustive()
    }
}
