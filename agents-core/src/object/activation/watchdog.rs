//! A thread that detects turns that block their worker.
//!
//! The worker that polls the runtime's I/O also runs handlers. When a handler blocks that worker, no parked
//! worker replaces it before a new task enters the runtime's queue: sockets, timers and signals wait with it.
//! So a thread that no handler can block observes the running turns, and spawns an empty task while one of
//! them takes long.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use thread_local::ThreadLocal;
use tokio::runtime::{Handle, RuntimeFlavor};

use crate::object::ObjectKey;

/// The time between two checks of the turns. A turn that is seen twice is long.
const TICK: Duration = Duration::from_millis(5);
/// The time after which a turn is named in the log.
const BLOCKED: Duration = Duration::from_secs(1);
/// The number of checks without activity after which the thread sleeps until a turn begins.
const QUIET: u32 = 200;

/// The names of [`Work`] in the log, in its order.
const WORK: [&str; 9] =
    ["on_start", "connect", "message", "close", "request", "alarm", "task", "on_hibernate", "commit"];

/// The kind of work of a thread for an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Work {
    Start,
    Connect,
    Message,
    /// The end of a connection, or its error.
    Close,
    Request,
    Alarm,
    Task,
    Hibernate,
    Commit,
}

/// Finds an object by the address of its handle.
type Find = Box<dyn Fn(usize) -> Option<ObjectKey> + Send + Sync>;

/// The thread that observes the workers of a host.
pub(crate) struct Watchdog(Arc<Shared>);

struct Shared {
    runtime: Handle,
    slots: ThreadLocal<Slot>,
    find: OnceLock<Find>,
    thread: OnceLock<Thread>,
    /// Set while the thread sleeps until a turn begins.
    asleep: AtomicBool,
    stopped: AtomicBool,
    /// Set until the last empty task has run.
    poked: Arc<AtomicBool>,
    /// The number of turns that were named in the log.
    blocked: AtomicU64,
}

/// The turn of one thread.
#[derive(Default)]
struct Slot {
    /// Incremented when a turn begins and when it ends: odd while a turn runs.
    count: AtomicU64,
    /// The address of the object's handle; 0 for a hook of the host.
    object: AtomicUsize,
    work: AtomicU8,
    /// The callable that a turn runs, with the count of that turn.
    callable: Mutex<Option<(u64, &'static str)>>,
    /// Used only by the watchdog.
    seen: Mutex<Seen>,
}

/// The last check of the watchdog at a thread.
#[derive(Clone, Copy, Default)]
struct Seen {
    count: u64,
    /// The time of the first check that saw this count; `None` before it.
    since: Option<Instant>,
    reported: bool,
}

/// A running turn; it ends when this is dropped.
pub(crate) struct Watched<'a>(Option<&'a Slot>);

impl Watchdog {
    /// Starts the thread.
    pub(crate) fn start(runtime: Handle) -> Self {
        let shared = Arc::new(Shared {
            runtime,
            slots: ThreadLocal::new(),
            find: OnceLock::new(),
            thread: OnceLock::new(),
            asleep: AtomicBool::new(false),
            stopped: AtomicBool::new(false),
            poked: Arc::default(),
            blocked: AtomicU64::new(0),
        });
        let watching = shared.clone();
        match thread::Builder::new().name("agents-watchdog".to_owned()).spawn(move || watching.run()) {
            Ok(thread) => {
                let _ = shared.thread.set(thread.thread().clone());
            }
            Err(error) => tracing::error!(%error, "the thread that detects blocked workers cannot start"),
        }
        Self(shared)
    }

    /// Sets how objects are found by the addresses of their handles.
    pub(crate) fn names(&self, find: impl Fn(usize) -> Option<ObjectKey> + Send + Sync + 'static) {
        let _ = self.0.find.set(Box::new(find));
    }

    /// Begins a turn on this thread. A turn inside another counts as part of the outer one.
    pub(crate) fn begin(&self, object: usize, work: Work) -> Watched<'_> {
        let slot = self.0.slots.get_or_default();
        if slot.is_busy() {
            return Watched(None);
        }
        slot.object.store(object, Ordering::Relaxed);
        slot.work.store(work as u8, Ordering::Relaxed);
        // Sequentially consistent with the read of `asleep`: either the thread sees the turn, or it is woken.
        slot.count.fetch_add(1, Ordering::SeqCst);
        if self.0.asleep.load(Ordering::SeqCst) && self.0.asleep.swap(false, Ordering::SeqCst) {
            self.0.wake();
        }
        Watched(Some(slot))
    }

    /// Records the callable that the turn on this thread runs.
    pub(crate) fn runs(&self, callable: &'static str) {
        let slot = self.0.slots.get_or_default();
        *slot.callable.lock() = Some((slot.count.load(Ordering::Relaxed), callable));
    }

    /// Returns the number of turns that were blocked so far.
    pub(crate) fn blocked(&self) -> u64 {
        self.0.blocked.load(Ordering::Relaxed)
    }

    /// Returns the number of threads that are blocked now.
    pub(crate) fn blocked_now(&self) -> usize {
        let is_blocked = |slot: &&Slot| {
            let seen = *slot.seen.lock();
            seen.reported && seen.count == slot.count.load(Ordering::Acquire)
        };
        self.0.slots.iter().filter(is_blocked).count()
    }
}

impl Slot {
    fn is_busy(&self) -> bool {
        self.count.load(Ordering::Relaxed) % 2 == 1
    }
}

impl Shared {
    fn wake(&self) {
        if let Some(thread) = self.thread.get() {
            thread.unpark();
        }
    }

    fn run(&self) {
        let mut quiet = 0;
        while !self.stopped.load(Ordering::Acquire) {
            thread::park_timeout(TICK);
            quiet = if self.look() { 0 } else { quiet + 1 };
            if quiet < QUIET {
                continue;
            }
            quiet = 0;
            self.asleep.store(true, Ordering::SeqCst);
            if self.look() {
                self.asleep.store(false, Ordering::SeqCst);
                continue;
            }
            while self.asleep.load(Ordering::SeqCst) && !self.stopped.load(Ordering::Acquire) {
                thread::park();
            }
        }
    }

    /// Checks all threads once; returns whether one of them was active.
    fn look(&self) -> bool {
        let now = Instant::now();
        let (mut active, mut long) = (false, false);
        let mut blocked = Vec::new();
        for slot in self.slots.iter() {
            let count = slot.count.load(Ordering::SeqCst);
            let mut seen = slot.seen.lock();
            if seen.count != count {
                active = true;
                *seen = Seen { count, since: Some(now), reported: false };
            } else if count % 2 == 1 {
                (active, long) = (true, true);
                let held = now - *seen.since.get_or_insert(now);
                if held >= BLOCKED && !seen.reported {
                    seen.reported = true;
                    blocked.push((slot, count));
                }
            }
        }
        if long {
            self.poke();
        }
        for (slot, count) in blocked {
            self.blocked.fetch_add(1, Ordering::Relaxed);
            self.report(slot, count);
        }
        active
    }

    /// Makes a waiting worker look at the queue; it then polls I/O if no other worker does.
    fn poke(&self) {
        let helps = self.runtime.runtime_flavor() == RuntimeFlavor::MultiThread;
        if helps && !self.poked.swap(true, Ordering::AcqRel) {
            let poked = self.poked.clone();
            self.runtime.spawn(async move { poked.store(false, Ordering::Release) });
        }
    }

    /// Names a turn in the log, on another thread because logging may block.
    fn report(&self, slot: &Slot, count: u64) {
        let callable = slot.callable.lock().filter(|(turn, _)| *turn == count);
        let work = WORK.get(usize::from(slot.work.load(Ordering::Relaxed))).copied();
        let address = slot.object.load(Ordering::Relaxed);
        let object = self.find.get().and_then(|find| find(address));
        if slot.count.load(Ordering::Acquire) != count {
            // The turn has just ended; the values may belong to the next one.
            return;
        }
        let handler = match address {
            0 => "authorize of the host",
            _ => callable.map(|(_, name)| name).or(work).unwrap_or_default(),
        };
        self.runtime.spawn_blocking(move || {
            tracing::warn!(
                class = object.as_ref().map(|key| &*key.class),
                name = object.as_ref().map(|key| &*key.name),
                handler,
                "a handler has held its thread for more than {BLOCKED:?} without an await, and other work of the \
                 thread may wait: move blocking work to `tokio::task::spawn_blocking`, and check that SQL statements \
                 have an index"
            );
        });
    }
}

impl Drop for Watched<'_> {
    fn drop(&mut self) {
        if let Some(slot) = self.0 {
            slot.count.fetch_add(1, Ordering::Release);
        }
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.0.stopped.store(true, Ordering::Release);
        self.0.wake();
    }
}

impl fmt::Debug for Watchdog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watchdog").field("blocked", &self.blocked()).finish_non_exhaustive()
    }
}
