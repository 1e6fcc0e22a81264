//! The waking life of an object: one task that runs its handlers in turns.

mod leave;
mod settle;

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::{Instant, Sleep};
use tokio_util::task::TaskTracker;

use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::gateway::{ConnectionKey, ToObject};
use crate::object::turn::Turns;
use crate::object::{BoxFuture, ConnectionEntry, Instance, ObjectContext, ObjectHandle};
use crate::storage::{DataFolder, StorageError, Store, StoreOptions};

/// How many messages one round takes before it commits and lets others run.
const ROUND: usize = 256;

/// What all objects of a host share.
pub(crate) struct Environment {
    pub(crate) folder: Arc<DataFolder>,
    pub(crate) store: StoreOptions,
    pub(crate) clock: Clock,
    /// How long handlers may go on once the host stops.
    pub(crate) grace: Duration,
    pub(crate) tasks: TaskTracker,
    pub(crate) runtime: Handle,
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment").finish_non_exhaustive()
    }
}

/// Runs an object until it sleeps.
pub(super) async fn run(handle: Arc<ObjectHandle>) {
    loop {
        if handle.is_stopping() {
            // What came too late is given up; the host ends its sockets and requests.
            handle.mailbox.take(&mut VecDeque::new());
            if handle.mailbox.try_sleep() {
                return;
            }
            continue;
        }
        // Everything of an activation is dropped before the next one starts: one writer.
        match Activation::open(&handle).await {
            Ok(mut activation) => {
                let ended = poll_fn(|cx| activation.poll(cx)).await;
                activation.finish(ended).await;
            }
            Err(error) => {
                tracing::error!(object = ?handle.key, %error, "the database cannot be opened");
                handle.mailbox.take(&mut VecDeque::new());
                handle.hub.fail("the agent cannot be started");
            }
        }
        if handle.mailbox.try_sleep() {
            return;
        }
    }
}

/// Why an activation is over.
#[derive(Debug)]
enum Ended {
    Idle,
    Stopped,
    Failed(Error),
}

/// What a handler was for.
enum Label {
    Connect(ConnectionKey),
    Message(ConnectionKey),
    Other,
}

enum Phase {
    /// No instance; the next event starts one.
    Cold,
    Starting(Turns<(), Result<Arc<dyn Instance>>>),
    Live(Arc<dyn Instance>),
    /// The instance says goodbye.
    Leaving(Turns<(), bool>, Ended),
    /// It did; only what it still sent has to go out.
    Left(Ended),
}

struct Activation {
    handle: Arc<ObjectHandle>,
    object: ObjectContext,
    phase: Phase,
    events: VecDeque<ToObject>,
    running: FuturesUnordered<Turns<Label, bool>>,
    /// What came for connections whose connect handler still runs.
    connecting: HashMap<ConnectionKey, VecDeque<ToObject>>,
    /// What connections get back for messages that are done.
    credits: HashMap<ConnectionKey, u32>,
    syncing: Option<(u64, JoinHandle<io::Result<()>>)>,
    /// Lets sockets that are ready hand their messages in before a commit is made.
    gathering: Option<BoxFuture<'static, ()>>,
    last_activity: Instant,
    timer: Pin<Box<Sleep>>,
    stop_at: Option<Instant>,
}

impl Activation {
    async fn open(handle: &Arc<ObjectHandle>) -> Result<Self> {
        let environment = handle.environment.clone();
        let key = handle.key.clone();
        let store: Store = tokio::task::spawn_blocking(move || {
            environment.folder.open_store(&key.class, &key.name, &environment.store)
        })
        .await?
        .map_err(StorageError::into_error)?;
        let object = ObjectContext::new(
            handle.key.clone(),
            handle.environment.clock,
            store,
            handle.hub.connections(&crate::gateway::Selection::default()),
        );
        Ok(Self {
            handle: handle.clone(),
            object,
            phase: Phase::Cold,
            events: VecDeque::new(),
            running: FuturesUnordered::new(),
            connecting: HashMap::new(),
            credits: HashMap::new(),
            syncing: None,
            gathering: None,
            last_activity: Instant::now(),
            timer: Box::pin(tokio::time::sleep(handle.behavior.policy().hibernate_after)),
            stop_at: None,
        })
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Ended> {
        self.handle.mailbox.register(cx);
        let mut budget = ROUND;
        loop {
            let mut progress = self.poll_phase(cx);
            progress |= self.take_events(cx, &mut budget);
            progress |= self.poll_running(cx);
            if !progress {
                break;
            }
            self.last_activity = Instant::now();
            if budget == 0 {
                // Others get their turn; this task is polled again at once.
                cx.waker().wake_by_ref();
                break;
            }
        }
        match self.settle(cx) {
            Ok(()) => self.poll_end(cx),
            Err(error) => Poll::Ready(Ended::Failed(error)),
        }
    }

    /// Starts an instance when one is needed, and lets it start or leave.
    fn poll_phase(&mut self, cx: &mut Context<'_>) -> bool {
        if matches!(self.phase, Phase::Live(_)) && std::mem::take(&mut self.object.lock().panicked) {
            tracing::warn!(object = ?self.handle.key, "a handler panicked, the instance is replaced");
            self.phase = Phase::Cold;
        }
        match &mut self.phase {
            Phase::Live(_) => false,
            Phase::Cold => {
                self.fill_events();
                if self.events.is_empty() {
                    return false;
                }
                let start = self.handle.behavior.clone().start(self.object.clone());
                self.phase = Phase::Starting(Turns::new(self.object.clone(), (), start));
                true
            }
            Phase::Starting(start) => match Pin::new(start).poll(cx) {
                Poll::Pending => false,
                Poll::Ready((_, Ok(Ok(instance)))) => {
                    self.object.lock().panicked = false;
                    self.phase = Phase::Live(instance);
                    true
                }
                Poll::Ready((_, result)) => {
                    let error = match result {
                        Ok(Err(error)) => error,
                        _ => Error::hidden("panic", "the start panicked"),
                    };
                    self.phase = Phase::Cold;
                    self.refuse_event(&error);
                    true
                }
            },
            Phase::Leaving(leave, _) => {
                let left = Pin::new(leave).poll(cx).is_ready();
                if left && let Phase::Leaving(_, ended) = std::mem::replace(&mut self.phase, Phase::Cold) {
                    self.phase = Phase::Left(ended);
                }
                left
            }
            Phase::Left(_) => false,
        }
    }

    /// Fails the event that an instance could not be started for; the next one tries again.
    fn refuse_event(&mut self, error: &Error) {
        if let Some(event) = self.events.pop_front() {
            if let ToObject::Message { connection, .. } = &event {
                *self.credits.entry(*connection).or_default() += 1;
            }
            self.object.begin_turn();
            self.handle.behavior.refuse(&self.object, event, error);
            self.object.end_turn();
        }
    }

    fn fill_events(&mut self) {
        if self.events.is_empty() && !self.handle.is_stopping() {
            self.handle.mailbox.take(&mut self.events);
        }
    }

    fn take_events(&mut self, cx: &mut Context<'_>, budget: &mut usize) -> bool {
        let mut progress = false;
        while let Phase::Live(instance) = &self.phase {
            let instance = instance.clone();
            self.fill_events();
            if *budget == 0 || self.events.is_empty() || self.object.lock().panicked {
                break;
            }
            if let Some(event) = self.events.pop_front() {
                *budget -= 1;
                progress = true;
                self.dispatch(&instance, event, cx);
            }
        }
        progress
    }

    /// Starts the handler of an event.
    fn dispatch(&mut self, instance: &Arc<dyn Instance>, event: ToObject, cx: &mut Context<'_>) {
        let connection = match &event {
            ToObject::Message { connection, .. }
            | ToObject::Close { connection, .. }
            | ToObject::Error { connection, .. } => Some(*connection),
            _ => None,
        };
        // Until `on_connect` is done, what the connection sends waits, in its order.
        if let Some(waiting) = connection.and_then(|key| self.connecting.get_mut(&key)) {
            waiting.push_back(event);
            return;
        }
        let instance = instance.clone();
        match event {
            ToObject::Connect { connection, id, head } => {
                self.connecting.insert(connection, VecDeque::new());
                let entry = Arc::new(ConnectionEntry::new(connection, id, Some(head.uri.clone())));
                self.start(Label::Connect(connection), instance.connect(entry, *head), cx);
            }
            ToObject::Message { connection, message } => {
                let entry = self.object.lock().connection(connection);
                match entry {
                    Some(entry) if !entry.is_closing() => {
                        let handler = instance.message(entry, message);
                        self.start(Label::Message(connection), handler, cx);
                    }
                    _ => *self.credits.entry(connection).or_default() += 1,
                }
            }
            ToObject::Close { connection, close, info } => {
                self.credits.remove(&connection);
                let known = self.object.lock().remove_connection(connection);
                let entry = known.or_else(|| info.map(|info| Arc::new(ConnectionEntry::from_info(*info))));
                if let Some(entry) = entry {
                    self.start(Label::Other, instance.close(entry, close), cx);
                }
            }
            ToObject::Error { connection, error } => {
                let entry = self.object.lock().connection(connection);
                if let Some(entry) = entry {
                    self.start(Label::Other, instance.error(entry, error), cx);
                }
            }
            ToObject::Request { request, head, body } => {
                self.start(Label::Other, instance.request(request, *head, body), cx);
            }
            ToObject::Drained { .. } | ToObject::Gone { .. } => self.object.response_event(&event),
            ToObject::Alarm => {}
        }
    }

    /// Polls a new handler at once: most are done with it.
    fn start(&mut self, label: Label, handler: BoxFuture<'static, bool>, cx: &mut Context<'_>) {
        let mut turns = Turns::new(self.object.clone(), label, handler);
        match Pin::new(&mut turns).poll(cx) {
            Poll::Ready((label, result)) => self.finished(label, result.unwrap_or(false)),
            Poll::Pending => self.running.push(turns),
        }
    }

    fn poll_running(&mut self, cx: &mut Context<'_>) -> bool {
        let mut progress = false;
        let spawned = std::mem::take(&mut self.object.lock().spawned);
        for future in spawned {
            progress = true;
            self.start(Label::Other, future, cx);
        }
        while let Poll::Ready(Some((label, result))) = self.running.poll_next_unpin(cx) {
            progress = true;
            self.finished(label, result.unwrap_or(false));
        }
        progress
    }

    fn finished(&mut self, label: Option<Label>, ok: bool) {
        match label {
            Some(Label::Message(connection)) => *self.credits.entry(connection).or_default() += 1,
            Some(Label::Connect(connection)) => {
                let waiting = self.connecting.remove(&connection).unwrap_or_default();
                for event in waiting.into_iter().rev() {
                    // Of a connection that was refused only its end still matters.
                    if ok || matches!(event, ToObject::Close { .. }) {
                        self.events.push_front(event);
                    } else {
                        *self.credits.entry(connection).or_default() += 1;
                    }
                }
            }
            Some(Label::Other) | None => {}
        }
    }
}
