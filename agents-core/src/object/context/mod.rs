//! What an instance may do to its object: storage, connections, effects.

pub(super) mod alarm;
mod journal;
mod lifecycle;
mod lock;
mod pacing;
mod peer_calls;
mod sockets;
mod storage;
mod turn;
mod write_guard;

use std::any::Any;
use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::task::Waker;
use std::thread;

use bytes::Bytes;
use parking_lot::Mutex;
use thiserror::Error;

pub use self::lifecycle::KeepAwake;
use self::lock::Locked;
pub(crate) use self::sockets::overflow;
pub(crate) use self::write_guard::{Write, WriteGuard};

use crate::error::{Error, Result};
use crate::gateway::{BodyFault, MemoryPermit, RequestKey, ToObject};
use crate::limits::{Limit, Limits};
use crate::object::activation::output_gate::Gate;
use crate::object::activation::watchdog::Watched;
use crate::object::connections::roster::Roster;
use crate::object::context::turn::Turn;
use crate::object::http::body_buffer::{BodyBuffer, Collected, Pieces};
use crate::object::http::request_body::RequestBody;
use crate::object::http::response_window::ResponseWindow;
use crate::object::{BoxFuture, ObjectHandle, ObjectKey, Work};
use crate::storage::Store;

/// A context was used outside the turns of its agent, for example in a task of another runtime.
///
/// Writes of a turn commit together; a write from elsewhere would fall into somebody else's turn.
#[derive(Clone, Copy, Debug, Error)]
#[error("the context was used outside its agent; run the work with `cx.spawn` and not with `tokio::spawn`")]
pub struct OutsideTurn;

/// The doors of a durable object, from inside. Cheap to clone.
///
/// It works inside the handlers of its object and in tasks started with
/// [`spawn`](Self::spawn); elsewhere every door that reads or writes fails with the code
/// `outside_turn`. It belongs to one awake life of the object: kept beyond, it opens nothing.
///
/// ```
/// use agents_core::object::{DurableObject, ObjectContext, WebSocket};
/// use agents_core::{Message, Result};
///
/// struct Room;
///
/// impl DurableObject for Room {
///     async fn web_socket_message(&self, cx: &ObjectContext, _from: &WebSocket, message: Message) -> Result<()> {
///         let count = cx.storage().get::<u64>("messages")?.unwrap_or_default();
///         cx.storage().put("messages", &(count + 1))?;
///         cx.get_web_sockets().tag("room:general").send(message)
///     }
/// }
/// ```
#[derive(Clone)]
pub struct ObjectContext {
    core: Arc<Core>,
    /// Who is asked before each write; nobody where the object works for itself.
    behalf: Option<Arc<dyn WriteGuard>>,
}

/// A context that keeps nothing alive: the handle looks into its activation with it.
pub(super) struct WeakContext(Weak<Core>);

impl WeakContext {
    pub(super) fn upgrade(&self) -> Option<ObjectContext> {
        self.0.upgrade().map(|core| ObjectContext { core, behalf: None })
    }
}

struct Core {
    handle: Arc<ObjectHandle>,
    inner: Mutex<Inner>,
    /// Moves on whenever the stored state changes or a change of it is undone.
    state_version: AtomicU64,
    next_handler: AtomicU64,
    /// The value that the layer above keeps for this life.
    above: OnceLock<Arc<dyn Any + Send + Sync>>,
}

pub(super) struct Inner {
    /// Taken out when the activation ends.
    pub(super) store: Option<Store>,
    pub(super) gate: Gate,
    pub(super) spawned: Vec<Spawned>,
    pub(super) windows: HashMap<RequestKey, Arc<ResponseWindow>>,
    /// Bodies of requests that came in part.
    pub(super) bodies: HashMap<RequestKey, Arc<BodyBuffer>>,
    /// A turn failed in a way that only a restart from disk mends.
    pub(super) failed: Option<Error>,
    /// A handler panicked: its instance is not used for new events.
    pub(super) panicked: bool,
    pub(super) roster: Roster,
    /// What keeps the object awake because somebody said so, by a number of its own.
    pub(super) kept_awake: Vec<(u64, String)>,
    /// The handler that nobody else may run beside.
    pub(super) section: Option<Section>,
    /// An instance is being started: what it sets is the alarm after one whose time has come.
    pub(super) starts: bool,
    /// The alarm handler that runs.
    pub(super) ringing: Option<alarm::Ringing>,
    /// The index of alarms has to hear of this object though nothing may have been written.
    pub(super) alarm_unsettled: bool,
    /// The index of alarms woke this object and has not heard what became of it.
    pub(super) alarm_owed: bool,
    /// What the handler that is polled keeps from others while it waits.
    keeps: peer_calls::Keeps,
    turn: Option<Turn>,
    /// Values of the user that are dropped when the lock opens.
    given_up: Vec<Box<dyn Any + Send>>,
}

/// A task that has not begun.
pub(super) struct Spawned {
    pub(super) future: BoxFuture<'static, Result<()>>,
    /// It runs although the turn that started it is undone.
    stays: bool,
}

/// A handler that runs alone, and who waits for its end.
pub(super) struct Section {
    owner: u64,
    depth: usize,
    waiting: Vec<Waker>,
}

impl ObjectContext {
    pub(super) fn new(handle: Arc<ObjectHandle>, store: Store) -> Self {
        let gate =
            Gate::new(handle.limits().outgoing_bytes_per_agent, handle.environment.gateway.outgoing.clone());
        let core = Core {
            handle,
            inner: Mutex::new(Inner {
                store: Some(store),
                gate,
                spawned: Vec::new(),
                windows: HashMap::new(),
                bodies: HashMap::new(),
                failed: None,
                panicked: false,
                roster: Roster::default(),
                kept_awake: Vec::new(),
                section: None,
                starts: false,
                ringing: None,
                alarm_unsettled: false,
                alarm_owed: false,
                keeps: peer_calls::Keeps::default(),
                turn: None,
                given_up: Vec::new(),
            }),
            state_version: AtomicU64::new(1),
            next_handler: AtomicU64::new(1),
            above: OnceLock::new(),
        };
        Self { core: Arc::new(core), behalf: None }
    }

    pub(super) fn downgrade(&self) -> WeakContext {
        WeakContext(Arc::downgrade(&self.core))
    }

    /// Returns the name of the object in its one [form](crate::wire::name::canonical), which an address holds as it stands.
    pub fn name(&self) -> &str {
        &self.key().name
    }

    /// Returns the class of the object, as it stands in its address.
    pub fn class(&self) -> &str {
        &self.key().class
    }

    /// Returns the time in milliseconds since 1970, UTC.
    pub fn now(&self) -> u64 {
        self.core.handle.environment.clock.now_ms()
    }

    pub(crate) fn key(&self) -> &ObjectKey {
        &self.core.handle.key
    }

    pub(super) fn handle(&self) -> &Arc<ObjectHandle> {
        &self.core.handle
    }

    /// Lets the watchdog know what this thread does, until the guard is dropped.
    pub(super) fn watched(&self, work: Work) -> Watched<'_> {
        let handle = &self.core.handle;
        handle.environment.watchdog.begin(handle.address(), work)
    }

    /// Lets the watchdog know which callable the turn runs.
    pub(crate) fn runs(&self, callable: &'static str) {
        self.core.handle.environment.watchdog.runs(callable);
    }

    /// Returns the value that the layer above keeps for this life of the object, whatever instance it has.
    /// The value is made when it is first asked for.
    pub(crate) fn of_this_life<T: Default + Send + Sync + 'static>(&self) -> Arc<T> {
        let kept = self.core.above.get_or_init(|| Arc::new(T::default()));
        // There is one type that asks.
        kept.clone().downcast().unwrap_or_default()
    }

    pub(super) fn next_handler(&self) -> u64 {
        self.core.next_handler.fetch_add(1, Ordering::Relaxed)
    }

    /// For instances: only inside a turn, on the thread that polls it.
    fn turn(&self) -> Result<Locked<'_>> {
        let inner = self.lock();
        match &inner.turn {
            Some(turn) if turn.thread == thread::current().id() => Ok(inner),
            _ => Err(Error::hidden("outside_turn", OutsideTurn)),
        }
    }

    pub(super) fn attachment_limit(&self) -> usize {
        self.core.handle.limits().attachment_bytes
    }

    /// Counts a limit that was reached.
    pub(crate) fn reached(&self, limit: Limit) {
        self.core.handle.environment.gateway.totals.limits.record(limit);
    }

    /// Returns the limits of the host.
    pub(crate) fn limits(&self) -> &Limits {
        self.core.handle.limits()
    }

    /// Opens the window of a streamed response.
    pub(super) fn open_window(&self, request: RequestKey) -> Arc<ResponseWindow> {
        let window = Arc::new(ResponseWindow::new());
        self.lock().windows.insert(request, window.clone());
        window
    }

    /// Begins to take in the body of a request, of which more comes. What a handler collects of it counts until the
    /// second value is dropped.
    pub(super) fn open_body(
        &self,
        request: RequestKey,
        first: Bytes,
        held: MemoryPermit,
    ) -> (RequestBody, Arc<Collected>) {
        let buffer = Arc::new(BodyBuffer::default());
        buffer.push(first, held);
        self.lock().bodies.insert(request, buffer.clone());
        let hub = self.handle().hub.clone();
        let collected = Collected::new(&hub.gateway.incoming);
        let pieces = Pieces::new(request, hub, buffer, collected.clone());
        (RequestBody::pieces(pieces), collected)
    }

    /// A request is over: its response is whole, and what nobody read of its body is dropped.
    pub(super) fn close_window(&self, request: RequestKey) {
        self.lock().windows.remove(&request);
        self.end_body(request, Err(BodyFault::BrokeOff));
    }

    /// Takes from the gateway how a request gets on.
    pub(super) fn request_event(&self, event: ToObject) {
        // What is told wakes its reader, so it is told without the lock.
        match event {
            ToObject::Drained { request, bytes } => {
                if let Some(window) = self.window(request) {
                    window.drained(bytes);
                }
            }
            ToObject::Gone { request } => {
                if let Some(window) = self.window(request) {
                    window.gone();
                }
                self.end_body(request, Err(BodyFault::BrokeOff));
            }
            ToObject::BodyChunk { request, chunk, held } => {
                let body = self.lock().bodies.get(&request).cloned();
                if let Some(body) = body {
                    body.push(chunk, held);
                }
            }
            ToObject::BodyEnd { request, fault } => self.end_body(request, fault.map_or(Ok(()), Err)),
            _ => {}
        }
    }

    fn window(&self, request: RequestKey) -> Option<Arc<ResponseWindow>> {
        self.lock().windows.get(&request).cloned()
    }

    fn end_body(&self, request: RequestKey, end: Result<(), BodyFault>) {
        let body = self.lock().bodies.remove(&request);
        if let Some(body) = body {
            body.end(end);
        }
    }

    /// Tells whether the caller runs in a turn of this object.
    pub(crate) fn in_turn(&self) -> bool {
        self.turn().is_ok()
    }
}

impl Inner {
    /// Ends the life: gives up what was not begun or sent, and returns the store and the bodies that still come.
    pub(super) fn end(&mut self) -> (Option<Store>, Vec<Arc<BodyBuffer>>) {
        self.turn = None;
        for task in std::mem::take(&mut self.spawned) {
            self.give_up(task);
        }
        for effect in self.gate.given_up() {
            self.give_up(effect);
        }
        (self.store.take(), std::mem::take(&mut self.bodies).into_values().collect())
    }

    pub(super) fn store(&mut self) -> Result<&mut Store> {
        self.store.as_mut().ok_or_else(|| Error::hidden("outside_turn", OutsideTurn))
    }

    /// Works on the store; what makes it useless ends the activation, as it was.
    pub(super) fn with_store<R>(&mut self, work: impl FnOnce(&mut Store) -> Result<R>) -> Result<R> {
        let store = self.store()?;
        let result = work(store);
        if let Err(error) = &result
            && store.is_poisoned()
        {
            self.failed.get_or_insert_with(|| Error::hidden(error.code(), error.to_string()));
        }
        result
    }
}

impl fmt::Debug for ObjectContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ObjectContext").field(self.key()).finish()
    }
}
