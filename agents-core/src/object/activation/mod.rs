//! The activation of an object: one task that runs its handlers in turns.

mod commit;
mod database_release;
pub(in crate::object) mod disk_work;
mod events;
pub(super) mod output_gate;
mod overload;
mod shutdown;
mod time_slice;
pub(super) mod turn;
mod wake_log;
pub(super) mod watchdog;

use std::collections::{HashMap, HashSet, VecDeque};
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use futures_util::FutureExt;
use futures_util::stream::FuturesUnordered;
use tokio::runtime::Handle;
use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, Sleep};
use tokio_util::task::TaskTracker;

use crate::error::{Error, Result};
use crate::gateway::{Budget, ConnectionKey, ToGateway, ToObject, Unaccepted};
use crate::limits::{Limit, LimitCounters, Limits};
use crate::object::ObjectDirectory;
use crate::object::activation::database_release::{OpenDatabase, StoreWork};
use crate::object::activation::events::Label;
use crate::object::activation::time_slice::{Side, TimeSlice};
use crate::object::activation::turn::{Turns, Undone, in_time};
use crate::object::activation::wake_log::WakeLog;
use crate::object::alarm::AlarmService;
use crate::object::report;
use crate::object::runtime::chaos::Chaos;
use crate::object::runtime::handle::Command;
use crate::object::runtime::lifecycle::ActiveWork;
use crate::object::runtime::settings::Settings;
use crate::object::{AwakeSlots, Behavior, BoxFuture, Instance, ObjectContext, ObjectHandle, Watchdog, Work};
use crate::storage::{DataFolder, StorageError, StoreOptions};
use crate::support::clock::Clock;
use crate::support::unwind::{Panic, caught, discard, unfinished};

/// The environment that all objects of a host share.
pub(crate) struct Environment {
    pub(crate) folder: Arc<DataFolder>,
    pub(crate) store: StoreOptions,
    pub(crate) clock: Clock,
    pub(crate) limits: Arc<Limits>,
    /// `true` if clients read which methods exist when they call another one.
    pub(crate) hints: bool,
    pub(crate) limit_counts: Arc<LimitCounters>,
    /// The memory budgets that objects and the gateway share: what clients sent, and what waits for clients.
    pub(crate) incoming: Arc<Budget>,
    pub(crate) outgoing: Arc<Budget>,
    pub(crate) tasks: TaskTracker,
    pub(crate) runtime: Handle,
    pub(crate) alarms: AlarmService,
    /// A test mode: objects hibernate and crash as often as possible.
    pub(crate) chaos: Option<Chaos>,
    /// The number of databases that are open.
    pub(crate) databases: AtomicUsize,
    /// The slots for awake objects.
    pub(crate) awake_slots: AwakeSlots,
    /// Notified when any object has fallen asleep.
    pub(crate) asleep: Notify,
    /// The directory of the other objects.
    pub(crate) peers: Arc<ObjectDirectory>,
    pub(crate) watchdog: Watchdog,
}

impl Drop for Environment {
    fn drop(&mut self) {
        // The host was dropped without being stopped.
        self.alarms.stop();
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment").finish_non_exhaustive()
    }
}

/// Runs an object until it hibernates.
pub(super) async fn run(handle: Arc<ObjectHandle>) {
    loop {
        if handle.is_stopping() {
            // Messages that arrived too late are dropped; the host ends its sockets and requests.
            handle.mailbox.take(&mut VecDeque::new());
            if handle.mailbox.try_sleep() {
                break;
            }
            continue;
        }
        let Some(slot) = handle.environment.awake_slots.enter(&handle).await else {
            if !handle.is_stopping() {
                overload::reject_pending(&handle);
                if handle.mailbox.try_sleep() {
                    break;
                }
            }
            continue;
        };
        handle.lifecycle.wake();
        // Everything of an activation is dropped before the next one starts, so that a database has one
        // writer. A panic ends the activation too, and the mailbox has a reader again.
        if let Err(panic) = AssertUnwindSafe(run_activation(&handle)).catch_unwind().await {
            shutdown::cut_off(&handle, &Panic::new(panic)).await;
        }
        drop(slot);
        let asleep = handle.mailbox.try_sleep();
        handle.environment.asleep.notify_waiters();
        if asleep {
            break;
        }
    }
}

/// Runs one activation of an object, from its opening to its end.
async fn run_activation(handle: &Arc<ObjectHandle>) {
    let log = WakeLog::woke(handle);
    match Activation::open(handle).await {
        Ok(mut activation) => {
            handle.failed_openings.store(0, Ordering::Relaxed);
            let ended = poll_fn(|cx| {
                caught(|| activation.poll(cx)).unwrap_or_else(|panic| {
                    let text = format!("panicked outside of its handlers: {panic}");
                    Poll::Ready(Ended::Failed(Error::hidden("panic", text)))
                })
            });
            let ended = ended.await;
            let reason = ended.reason();
            activation.finish(ended).await;
            log.slept(handle, reason);
        }
        Err(error) => {
            tracing::error!(class = &*handle.key.class, name = &*handle.key.name, %error, "the database cannot be opened");
            let mut events = VecDeque::new();
            handle.mailbox.take(&mut events);
            handle.lifecycle.sleep();
            shutdown::fail(handle, "the agent cannot be started", Unaccepted::All);
            shutdown::keep(handle, events);
            log.slept(handle, "not opened");
        }
    }
}

/// A reason why an activation is over.
#[derive(Debug)]
enum Ended {
    Idle,
    Stopped,
    Failed(Error),
    /// As if the process had been killed; `quiet` when no work was in progress.
    Crashed {
        quiet: bool,
    },
}

impl Ended {
    /// Returns the reason for the log.
    fn reason(&self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Stopped => "stopped",
            Self::Failed(_) => "failed",
            Self::Crashed { .. } => "crashed",
        }
    }
}

enum Phase {
    /// No instance exists; the next event starts one.
    Cold,
    Starting(Turns<(), Result<Arc<dyn Instance>>>),
    Running(Arc<dyn Instance>),
    /// The `hibernate` hook of the instance is running.
    ShuttingDown(Turns<(), Result<()>>, Ended),
    /// The `hibernate` hook has ended; its effects are still to be released.
    ShutDown(Ended),
}

/// The code of the error of a start that took too long.
const START_TIMEOUT: &str = "start_timeout";

/// Starts an instance; a start that takes too long is dropped.
fn start_in_time(
    behavior: &Arc<dyn Behavior>,
    object: ObjectContext,
) -> BoxFuture<'static, Result<Arc<dyn Instance>>> {
    let limit = object.limits().start_timeout;
    let start = behavior.clone().start(object.clone());
    Box::pin(async move {
        in_time(&object, limit, start).await.unwrap_or_else(|| {
            Err(Error::new(START_TIMEOUT, format!("the agent did not start within {limit:?}")))
        })
    })
}

struct Activation {
    handle: Arc<ObjectHandle>,
    object: ObjectContext,
    phase: Phase,
    events: VecDeque<ToObject>,
    running: FuturesUnordered<Turns<Label, Result<()>>>,
    /// The kind of work that is polled next: new events and running handlers alternate.
    next: Side,
    /// The number of running handlers that are spawned tasks.
    tasks: usize,
    /// The events of connections whose connect handler still runs.
    connecting: HashMap<ConnectionKey, VecDeque<ToObject>>,
    /// The events of connections that are over and whose close event has not come yet.
    closing: HashMap<ConnectionKey, Vec<ToObject>>,
    /// The credits of connections for messages that are done: their number and their bytes.
    credits: HashMap<ConnectionKey, (u32, u64)>,
    syncing: Option<(u64, oneshot::Receiver<io::Result<()>>)>,
    /// The registration of an alarm in the index, before the alarm is committed.
    registering: Option<(u64, BoxFuture<'static, Result<()>>)>,
    /// The report of the alarm to the index, sent once this commit is durable.
    alarm_report: Option<(u64, Option<u64>)>,
    /// Lets sockets that are ready deliver their messages before a commit is made.
    batch_pause: Option<BoxFuture<'static, ()>>,
    /// The store, while a thread that may block works on it.
    store_work: Option<StoreWork>,
    /// The idle time for which the close of the database was decided.
    close_decided: Option<Instant>,
    /// The database, while it counts as open.
    counted: Option<OpenDatabase>,
    last_activity: Instant,
    /// `true` if an event was dispatched.
    dispatched: bool,
    /// The number of the object in the list of idle objects.
    listed: Option<u64>,
    timer: Option<Pin<Box<Sleep>>>,
    stop_at: Option<Instant>,
}

impl Activation {
    async fn open(handle: &Arc<ObjectHandle>) -> Result<Self> {
        let mut store = handle.store();
        let unknown = !handle.settings.is_known();
        if store.exists() && (unknown || store.needs_recovery()) {
            // Recovery takes longer with a longer log, so it does not run on a runtime worker.
            let settings;
            (store, settings) = handle
                .disk
                .spawn(move || {
                    store.warm().map_err(StorageError::into_error)?;
                    let settings = store.settings()?;
                    Ok::<_, Error>((store, settings))
                })
                .await
                .map_err(unfinished)??;
            if unknown {
                let settings: Settings = match settings {
                    Some(json) => serde_json::from_str(&json)
                        .map_err(|error| Error::hidden("storage_corrupt", error))?,
                    None => Settings::default(),
                };
                handle.gateway.apply(&mut [ToGateway::AutoResponse { pair: settings.auto_response.clone() }]);
                handle.settings.replace(settings);
            }
        } else if unknown {
            handle.settings.replace(Settings::default());
        }
        let metrics = store.metrics();
        let object = ObjectContext::new(handle.clone(), store);
        handle.lifecycle.opened(&object, metrics);
        Ok(Self {
            handle: handle.clone(),
            object,
            phase: Phase::Cold,
            events: VecDeque::new(),
            running: FuturesUnordered::new(),
            next: Side::Events,
            tasks: 0,
            connecting: HashMap::new(),
            closing: HashMap::new(),
            credits: HashMap::new(),
            syncing: None,
            registering: None,
            alarm_report: None,
            batch_pause: None,
            store_work: None,
            close_decided: None,
            counted: None,
            last_activity: Instant::now(),
            dispatched: false,
            listed: None,
            timer: None,
            stop_at: None,
        })
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Ended> {
        self.handle.mailbox.register(cx);
        match self.poll_store_work(cx) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Ok(())) => {}
            Poll::Ready(Err(error)) => return Poll::Ready(Ended::Failed(error)),
        }
        if self.handle.has_command(Command::Crash) {
            self.handle.withdraw(Command::Crash);
            return Poll::Ready(Ended::Crashed { quiet: false });
        }
        let started = Instant::now();
        let mut slice = TimeSlice::new(started);
        loop {
            let mut progress = self.poll_phase(cx);
            for _ in 0..2 {
                slice.begin_stretch();
                progress |= match self.next {
                    Side::Events => self.take_events(cx, &mut slice),
                    Side::Handlers => self.poll_running(cx, &mut slice),
                };
                self.next = self.next.other();
                if slice.is_over() {
                    break;
                }
            }
            if !progress {
                break;
            }
            self.last_activity = started;
            if slice.is_over() {
                // Other tasks run first; this task is polled again at once.
                cx.waker().wake_by_ref();
                break;
            }
        }
        let committed = self.commit_and_release(cx);
        self.count_database();
        self.handle.lifecycle.worked(started, self.busy());
        if self.store_work.is_some() {
            return Poll::Pending;
        }
        match committed {
            Ok(()) => self.poll_end(cx),
            Err(error) => Poll::Ready(Ended::Failed(error)),
        }
    }

    fn busy(&self) -> ActiveWork {
        ActiveWork {
            changing: matches!(self.phase, Phase::Starting(_) | Phase::ShuttingDown(..)),
            handlers: self.running.len() - self.tasks,
            tasks: self.tasks,
            pinned: !self.handle.behavior.options().hibernate || !self.object.lock().kept_awake.is_empty(),
        }
    }

    /// Starts an instance when one is needed, and polls its start or its shutdown.
    fn poll_phase(&mut self, cx: &mut Context<'_>) -> bool {
        if matches!(self.phase, Phase::Running(_)) && std::mem::take(&mut self.object.lock().panicked) {
            tracing::debug!(
                class = &*self.handle.key.class,
                name = &*self.handle.key.name,
                "a turn was undone, the instance is replaced"
            );
            discard(std::mem::replace(&mut self.phase, Phase::Cold), self.handle.key.address());
        }
        match &mut self.phase {
            Phase::Running(_) | Phase::ShutDown(_) => false,
            Phase::Cold => {
                self.fill_events();
                // These events concern handlers that still run, and need no instance. The same holds for
                // bodies of requests, except for requests that still wait: their bodies wait behind them.
                let waiting: HashSet<_> = self.events.iter().filter_map(ToObject::begun_request).collect();
                for event in std::mem::take(&mut self.events) {
                    match event.about_request() {
                        Some(request) if !waiting.contains(&request) => self.object.request_event(event),
                        _ => self.events.push_back(event),
                    }
                }
                if self.events.is_empty() {
                    return false;
                }
                self.object.lock().starts = true;
                let start = start_in_time(&self.handle.behavior, self.object.clone());
                self.phase = Phase::Starting(Turns::new(self.object.clone(), Work::Start, (), start));
                true
            }
            Phase::Starting(start) => match Pin::new(start).poll(cx) {
                Poll::Pending => false,
                Poll::Ready((_, Ok(Ok(instance)))) => {
                    let mut inner = self.object.lock();
                    inner.panicked = false;
                    inner.starts = false;
                    drop(inner);
                    self.phase = Phase::Running(instance);
                    true
                }
                Poll::Ready((_, result)) => {
                    let (Ok(Err(error)) | Err(Undone(error))) = result else { return true };
                    self.object.lock().starts = false;
                    self.phase = Phase::Cold;
                    if error.code() == START_TIMEOUT {
                        self.object.reached(Limit::StartTimeout);
                        self.refuse_all(&error);
                    } else {
                        self.refuse_event(&error);
                    }
                    true
                }
            },
            Phase::ShuttingDown(hook, _) => {
                let Poll::Ready((_, result)) = Pin::new(hook).poll(cx) else { return false };
                if let Ok(Err(error)) | Err(Undone(error)) = result {
                    report::handler_failed(&self.handle.key, &error);
                }
                if let Phase::ShuttingDown(_, ended) = std::mem::replace(&mut self.phase, Phase::Cold) {
                    self.phase = Phase::ShutDown(ended);
                }
                true
            }
        }
    }

    fn fill_events(&mut self) {
        if self.events.is_empty() && !self.handle.is_stopping() {
            self.handle.mailbox.take(&mut self.events);
        }
    }

    fn take_events(&mut self, cx: &mut Context<'_>, slice: &mut TimeSlice) -> bool {
        let mut progress = false;
        while let Phase::Running(instance) = &self.phase {
            let instance = instance.clone();
            self.fill_events();
            if slice.is_stretch_over() || self.events.is_empty() {
                break;
            }
            {
                let mut inner = self.object.lock();
                // Events after a failure are for the next activation.
                if inner.panicked || inner.section.is_some() || inner.failed.is_some() {
                    break;
                }
                if inner.gate.is_full() {
                    inner.gate.wait(cx.waker());
                    break;
                }
            }
            if let Some(event) = self.events.pop_front() {
                let bytes = event.payload();
                progress = true;
                self.dispatch(&instance, event, cx);
                slice.took(bytes);
            }
        }
        progress
    }
}
