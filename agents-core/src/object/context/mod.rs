//! The context of an object: access to its storage, its connections and its effects.

mod activation;
pub(super) mod alarm;
mod journal;
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

pub use self::activation::KeepAwake;
use self::lock::Locked;
pub(crate) use self::peer_calls::BlockedPart;
pub(crate) use self::sockets::overflow;
pub(crate) use self::write_guard::{WriteGuard, WriteKind};

use crate::error::{Error, Result};
use crate::gateway::{BodyFault, MemoryPermit, RequestKey, ToObject};
use crate::limits::{Limit, Limits};
use crate::object::activation::output_gate::{Gate, Released};
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
/// Writes of a turn commit together; a write from elsewhere would become part of another handler's turn.
#[derive(Clone, Copy, Debug, Error)]
#[error("the context was used outside its agent; run the work with `cx.spawn` and not with `tokio::spawn`")]
pub struct OutsideTurn;

/// The context of a durable object for its handlers; cheap to clone.
///
/// A context works inside the handlers of its object and in tasks started with [`spawn`](Self::spawn).
/// Elsewhere every method that reads or writes fails with the code `outside_turn`. A context belongs to one
/// activation of the object; its methods fail after the activation has ended.
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
    /// The guard that is asked before each write; `None` if every write is allowed.
    behalf: Option<Arc<dyn WriteGuard>>,
}

/// A weak reference to a context; the handle reads the status of its activation through it.
pub(super) struct WeakContext(Weak<Core>);

impl WeakContext {
    pub(super) fn upgrade(&self) -> Option<ObjectContext> {
        self.0.upgrade().map(|core| ObjectContext { core, behalf: None })
    }
}

struct Core {
    handle: Arc<ObjectHandle>,
    inner: Mutex<Inner>,
    /// Incremented when the stored state changes or a change of it is undone.
    state_version: AtomicU64,
    next_handler: AtomicU64,
    /// The value that the layer above keeps for this activation.
    above: OnceLock<Arc<dyn Any + Send + Sync>>,
}

pub(super) struct Inner {
    /// Taken out when the activation ends.
    pub(super) store: Option<Store>,
    pub(super) gate: Gate,
    pub(super) spawned: Vec<Spawned>,
    pub(super) windows: HashMap<RequestKey, Arc<ResponseWindow>>,
    /// The request bodies that arrive in parts.
    pub(super) bodies: HashMap<RequestKey, Arc<BodyBuffer>>,
    /// The error of a turn that only a restart from the disk repairs.
    pub(super) failed: Option<Error>,
    /// Set when a handler panicked: its instance is not used for new events.
    pub(super) panicked: bool,
    pub(super) roster: Roster,
    /// The reasons of the guards of `keep_awake`, each with the number of its guard.
    pub(super) kept_awake: Vec<(u64, String)>,
    /// The handler that runs alone.
    pub(super) section: Option<Section>,
    /// Set while an instance is started: an alarm that is set now comes after a due one.
    pub(super) starts: bool,
    /// The alarm whose handler runs.
    pub(super) firing: Option<alarm::FiringAlarm>,
    /// Set when the alarm must be reported to the index although nothing may have been written.
    pub(super) alarm_report_due: bool,
    /// Set when the index of alarms woke this object and has no report about the alarm yet.
    pub(super) alarm_unreported: bool,
    /// The methods of the object that other callers cannot enter while the polled handler waits.
    blocked: peer_calls::BlockedParts,
    turn: Option<Turn>,
    /// Values of user code that are dropped after the lock is released.
    given_up: Vec<Box<dyn Any + Send>>,
}

/// A task that has not begun.
pub(super) struct Spawned {
    pub(super) future: BoxFuture<'static, Result<()>>,
    /// `true` if the task runs although the turn that spawned it is undone.
    stays: bool,
}

/// A handler that runs alone, and the tasks that wait for its end.
pub(super) struct Section {
    owner: u64,
    depth: usize,
    waiting: Vec<Waker>,
}

impl ObjectContext {
    pub(super) fn new(handle: Arc<ObjectHandle>, store: Store) -> Self {
        let gate = Gate::new(handle.limits().outgoing_bytes_per_agent, handle.environment.outgoing.clone());
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
                firing: None,
                alarm_report_due: false,
                alarm_unreported: false,
                blocked: peer_calls::BlockedParts::default(),
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

    /// Returns the name of the object in its canonical [form](crate::wire::name::canonical), which an address
    /// can contain without escapes.
    pub fn name(&self) -> &str {
        &self.key().name
    }

    /// Returns the class of the object as it is written in its address.
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

    /// Reports the work of this thread to the watchdog, until the guard is dropped.
    pub(super) fn watched(&self, work: Work) -> Watched<'_> {
        let handle = &self.core.handle;
        handle.environment.watchdog.begin(handle.address(), work)
    }

    /// Reports the callable that the turn runs to the watchdog.
    pub(crate) fn runs(&self, callable: &'static str) {
        self.core.handle.environment.watchdog.runs(callable);
    }

    /// Returns the value that the layer above keeps for this activation, independent of the instance. The
    /// value is created by the first call.
    pub(crate) fn activation_data<T: Default + Send + Sync + 'static>(&self) -> Arc<T> {
        let kept = self.core.above.get_or_init(|| Arc::new(T::default()));
        // Only one type is used here.
        kept.clone().downcast().unwrap_or_default()
    }

    pub(super) fn next_handler(&self) -> u64 {
        self.core.next_handler.fetch_add(1, Ordering::Relaxed)
    }

    /// Locks the object for an instance: only inside a turn, on the thread that polls it.
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
        self.core.handle.environment.limit_counts.record(limit);
    }

    /// Returns whether clients read which methods exist when they call another one.
    pub(crate) fn hints(&self) -> bool {
        self.core.handle.environment.hints
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

    /// Opens the body of a request of which further parts follow. The parts that a handler keeps count in the memory
    /// budget until the second value is dropped.
    pub(super) fn open_body(
        &self,
        request: RequestKey,
        first: Bytes,
        permit: MemoryPermit,
    ) -> (RequestBody, Arc<Collected>) {
        let buffer = Arc::new(BodyBuffer::default());
        buffer.push(first, permit);
        self.lock().bodies.insert(request, buffer.clone());
        let handle = self.handle();
        let collected = Collected::new(&handle.environment.incoming);
        let pieces = Pieces::new(request, handle.clone(), buffer, collected.clone());
        (RequestBody::pieces(pieces), collected)
    }

    /// Ends a request: its response is complete, and the unread rest of its body is dropped.
    pub(super) fn close_window(&self, request: RequestKey) {
        self.lock().windows.remove(&request);
        self.end_body(request, Err(BodyFault::BrokeOff));
    }

    /// Handles an event of the gateway about a request.
    pub(super) fn request_event(&self, event: ToObject) {
        // The notification wakes a reader, so it is sent without the lock.
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
            ToObject::BodyChunk { request, chunk, permit } => {
                let body = self.lock().bodies.get(&request).cloned();
                if let Some(body) = body {
                    body.push(chunk, permit);
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

    /// Returns whether the caller runs in a turn of this object.
    pub(crate) fn in_turn(&self) -> bool {
        self.turn().is_ok()
    }
}

impl Inner {
    /// Ends the activation: drops tasks that have not begun and effects that were not sent, and returns the
    /// store and the bodies that are still arriving.
    pub(super) fn end(&mut self) -> (Option<Store>, Vec<Arc<BodyBuffer>>) {
        self.turn = None;
        for task in std::mem::take(&mut self.spawned) {
            self.give_up(task);
        }
        let Released { effects, waiters } = self.gate.given_up();
        for effect in effects {
            self.give_up(effect);
        }
        self.give_up(waiters);
        (self.store.take(), std::mem::take(&mut self.bodies).into_values().collect())
    }

    pub(super) fn store(&mut self) -> Result<&mut Store> {
        self.store.as_mut().ok_or_else(|| Error::hidden("outside_turn", OutsideTurn))
    }

    /// Works on the store. An error that makes the store unusable ends the activation unchanged.
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
