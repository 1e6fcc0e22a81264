//! The lifecycle of an object as other threads see it: whether it is awake, why, and for how long.

use std::fmt;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::object::context::WeakContext;
use crate::object::{ObjectContext, ObjectMetrics};
use crate::storage::{Store, StoreMetrics};

/// A reason why an object cannot hibernate.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PinnedBy {
    /// Its class has `hibernate = false`.
    Options,
    /// The object is starting, or runs its `hibernate` hook.
    Change,
    /// This many handlers run or wait at an await.
    Handlers(usize),
    /// This many spawned tasks run.
    Tasks(usize),
    /// This many responses stream.
    Streams(usize),
    /// A guard of `keep_awake`, with its reason.
    KeepAwake(String),
    /// Writes or messages of the object are not durable yet.
    Commit,
}

impl fmt::Display for PinnedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Options => f.write_str("the options of its class"),
            Self::Change => f.write_str("a start or a shutdown"),
            Self::Handlers(count) => write!(f, "{count} running handlers"),
            Self::Tasks(count) => write!(f, "{count} spawned tasks"),
            Self::Streams(count) => write!(f, "{count} open streams"),
            Self::KeepAwake(reason) => write!(f, "a guard: {reason}"),
            Self::Commit => f.write_str("a commit"),
        }
    }
}

/// The work of an activation.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::object) struct ActiveWork {
    /// `true` if the activation is starting or shutting down.
    pub(in crate::object) changing: bool,
    pub(in crate::object) handlers: usize,
    pub(in crate::object) tasks: usize,
    pub(in crate::object) pinned: bool,
}

/// The lifecycle of an object over all its activations.
#[derive(Default)]
pub(in crate::object) struct Lifecycle(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    /// The activation, while there is one.
    awake: Option<Awake>,
    /// The time when the object fell asleep; `None` before its first activation.
    asleep_since: Option<Instant>,
    executing: Duration,
    pinned_idle: Duration,
    idle: Duration,
    hibernating: Duration,
    wakes: u64,
    commits: u64,
    rows_read: u64,
    rows_written: u64,
}

struct Awake {
    context: Option<WeakContext>,
    store: Option<StoreMetrics>,
    busy: ActiveWork,
    /// The time up to which usage is accounted for.
    until: Instant,
}

impl Awake {
    fn context(&self) -> Option<ObjectContext> {
        self.context.as_ref()?.upgrade()
    }
}

impl Lifecycle {
    /// Records that an activation begins.
    pub(in crate::object) fn wake(&self) {
        let now = Instant::now();
        let inner = &mut *self.0.lock();
        if let Some(since) = inner.asleep_since.take() {
            inner.hibernating += now - since;
        }
        inner.wakes += 1;
        let busy = ActiveWork { changing: true, ..ActiveWork::default() };
        inner.awake = Some(Awake { context: None, store: None, busy, until: now });
    }

    /// Gives other threads access to the activation.
    pub(in crate::object) fn opened(&self, context: &ObjectContext, store: StoreMetrics) {
        if let Some(awake) = &mut self.0.lock().awake {
            awake.context = Some(context.downgrade());
            awake.store = Some(store);
        }
    }

    /// Records the end of a poll of the activation; the activation worked from `started` on.
    pub(in crate::object) fn worked(&self, started: Instant, busy: ActiveWork) {
        let now = Instant::now();
        let inner = &mut *self.0.lock();
        inner.account(started);
        inner.executing += now.saturating_duration_since(started);
        if let Some(awake) = &mut inner.awake {
            awake.until = now;
            awake.busy = busy;
        }
    }

    /// Records that the activation is over.
    pub(in crate::object) fn sleep(&self) {
        let now = Instant::now();
        let inner = &mut *self.0.lock();
        inner.account(now);
        inner.asleep_since = Some(now);
        if let Some(Awake { store: Some(store), .. }) = inner.awake.take() {
            let counters = store.counters();
            inner.commits += counters.commits;
            inner.rows_read += counters.rows_read;
            inner.rows_written += counters.rows_written;
        }
    }

    /// Returns the context of the activation, while something holds it.
    pub(in crate::object) fn context(&self) -> Option<ObjectContext> {
        self.0.lock().awake.as_ref().and_then(Awake::context)
    }

    pub(in crate::object) fn is_awake(&self) -> bool {
        self.0.lock().awake.is_some()
    }

    /// Returns the usage of the object as far as it is known here. The call does not wait for a running
    /// handler.
    pub(in crate::object) fn metrics(&self) -> ObjectMetrics {
        let inner = &mut *self.0.lock();
        let now = Instant::now();
        inner.account(now);
        let asleep = inner.asleep_since.map_or(Duration::ZERO, |since| now - since);
        let store = inner.awake.as_ref().and_then(|awake| awake.store.as_ref());
        let counters = store.map(StoreMetrics::counters).unwrap_or_default();
        ObjectMetrics {
            executing: inner.executing,
            pinned_idle: inner.pinned_idle,
            idle: inner.idle,
            hibernating: inner.hibernating + asleep,
            wakes: inner.wakes,
            commits: inner.commits + counters.commits,
            rows_read: inner.rows_read + counters.rows_read,
            rows_written: inner.rows_written + counters.rows_written,
            ..ObjectMetrics::default()
        }
    }

    /// Returns why the object is awake; empty when it hibernates or is about to.
    pub(in crate::object) fn pinned_by(&self, hibernates: bool) -> Vec<PinnedBy> {
        let (busy, context) = match &self.0.lock().awake {
            Some(awake) => (awake.busy, awake.context()),
            None => return Vec::new(),
        };
        let mut pins = Vec::new();
        if !hibernates {
            pins.push(PinnedBy::Options);
        }
        if busy.changing {
            pins.push(PinnedBy::Change);
        }
        if let Some(context) = context {
            let Some(inner) = context.try_lock() else {
                // The activation is in a turn, perhaps in a long statement.
                pins.push(PinnedBy::Handlers(busy.handlers.max(1)));
                return pins;
            };
            let streams = inner.windows.len();
            let handlers = busy.handlers.saturating_sub(streams);
            let counted = [
                (handlers, PinnedBy::Handlers(handlers)),
                (busy.tasks, PinnedBy::Tasks(busy.tasks)),
                (streams, PinnedBy::Streams(streams)),
            ];
            pins.extend(counted.into_iter().filter(|(count, _)| *count > 0).map(|(_, pin)| pin));
            pins.extend(inner.kept_awake.iter().map(|(_, reason)| PinnedBy::KeepAwake(reason.clone())));
            if !inner.gate.is_empty() || inner.store.as_ref().is_some_and(Store::has_uncommitted) {
                pins.push(PinnedBy::Commit);
            }
        }
        pins
    }
}

impl Inner {
    /// Accounts for the time since the last poll according to the work at that poll.
    fn account(&mut self, now: Instant) {
        let Some(awake) = &mut self.awake else { return };
        let passed = now.saturating_duration_since(awake.until);
        awake.until = now;
        let ActiveWork { changing, handlers, tasks, pinned } = awake.busy;
        if handlers > 0 || changing {
            self.executing += passed;
        } else if tasks > 0 || pinned {
            self.pinned_idle += passed;
        } else {
            self.idle += passed;
        }
    }
}

impl fmt::Debug for Lifecycle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lifecycle").field("awake", &self.is_awake()).finish_non_exhaustive()
    }
}
