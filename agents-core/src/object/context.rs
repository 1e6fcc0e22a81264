//! What an instance may do to its object: storage, connections, effects.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, ThreadId};

use bytes::Bytes;
use parking_lot::{Mutex, MutexGuard};
use thiserror::Error;

use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::gateway::{
    Attachment, ConnectionInfo, ConnectionKey, Flags, Message, RequestKey, Targets, ToGateway, ToObject,
};
use crate::object::connections::Kept;
use crate::object::gate::Gate;
use crate::object::window::Window;
use crate::object::{BoxFuture, ConnectionEntry, ObjectKey};
use crate::storage::sql::Savepoint;
use crate::storage::{StorageError, Store};

/// A context was used outside the turns of its agent, for example in a task of another runtime.
///
/// Writes of a turn commit together; a write from elsewhere would fall into somebody else's turn.
#[derive(Clone, Copy, Debug, Error)]
#[error("the context was used outside its agent; run the work with `cx.spawn` and not with `tokio::spawn`")]
pub struct OutsideTurn;

/// A handle on an object from inside; cheap to clone, useful only within the object's turns.
#[derive(Clone)]
pub(crate) struct ObjectContext(Arc<Core>);

struct Core {
    key: ObjectKey,
    clock: Clock,
    inner: Mutex<Inner>,
    /// Moves on whenever the stored state changes or a change of it is undone.
    state_version: AtomicU64,
}

pub(super) struct Inner {
    /// Taken out when the activation ends.
    pub(super) store: Option<Store>,
    pub(super) gate: Gate,
    pub(super) spawned: Vec<BoxFuture<'static, bool>>,
    windows: HashMap<RequestKey, Arc<Window>>,
    /// A turn failed in a way that only a restart from disk mends.
    pub(super) failed: Option<Error>,
    /// A handler panicked: its instance is not used for new events.
    pub(super) panicked: bool,
    connections: BTreeMap<ConnectionKey, Arc<ConnectionEntry>>,
    turn: Option<Turn>,
}

/// The running turn and how to undo it.
struct Turn {
    thread: ThreadId,
    effects: usize,
    spawned: usize,
    kept: Vec<(Arc<ConnectionEntry>, Kept)>,
    accepted: Vec<ConnectionKey>,
    /// Where the open transactions of the turn began.
    transactions: Vec<Mark>,
}

/// A point that a transaction inside a turn is undone to.
#[derive(Clone, Copy)]
struct Mark {
    effects: usize,
    spawned: usize,
    kept: usize,
}

impl ObjectContext {
    pub(super) fn new(key: ObjectKey, clock: Clock, store: Store, connections: Vec<ConnectionInfo>) -> Self {
        let connections = connections
            .into_iter()
            .map(|info| (info.connection, Arc::new(ConnectionEntry::from_info(info))))
            .collect();
        Self(Arc::new(Core {
            key,
            clock,
            inner: Mutex::new(Inner {
                store: Some(store),
                gate: Gate::default(),
                spawned: Vec::new(),
                windows: HashMap::new(),
                failed: None,
                panicked: false,
                connections,
                turn: None,
            }),
            state_version: AtomicU64::new(1),
        }))
    }

    pub(crate) fn key(&self) -> &ObjectKey {
        &self.0.key
    }

    pub(crate) fn now_ms(&self) -> u64 {
        self.0.clock.now_ms()
    }

    /// Tells whoever keeps a decoded state whether it still is the state.
    pub(crate) fn state_version(&self) -> u64 {
        self.0.state_version.load(Ordering::Acquire)
    }

    /// The state as JSON, `None` if there is none.
    pub(crate) fn stored_state(&self) -> Result<Option<Bytes>> {
        self.store(|store| store.state().map_err(StorageError::into_error))
    }

    /// Replaces the state; it is written once, with the next commit.
    pub(crate) fn stage_state(&self, json: Bytes) -> Result<()> {
        self.store(|store| {
            store.stage_state(Some(json)).map_err(|error| {
                let too_big = matches!(error, StorageError::TooBig { .. });
                let error = error.into_error();
                if too_big { error.visible() } else { error }
            })
        })?;
        self.0.state_version.fetch_add(1, Ordering::AcqRel);
        Ok(())
    }

    /// Tells whether a connection is there and not closing.
    pub(crate) fn is_connected(&self, key: ConnectionKey) -> bool {
        self.lock().connection(key).is_some_and(|entry| !entry.is_closing())
    }

    /// For the activation: reaches everything, turn or no turn.
    pub(super) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.inner.lock()
    }

    /// For instances: only inside a turn, on the thread that polls it.
    fn turn(&self) -> Result<MutexGuard<'_, Inner>> {
        let inner = self.0.inner.lock();
        match &inner.turn {
            Some(turn) if turn.thread == thread::current().id() => Ok(inner),
            _ => Err(Error::hidden("outside_turn", OutsideTurn)),
        }
    }

    /// Tells whether the caller runs in a turn of this object.
    pub(crate) fn in_turn(&self) -> bool {
        self.turn().is_ok()
    }

    /// Works on the store.
    pub(crate) fn store<R>(&self, work: impl FnOnce(&mut Store) -> Result<R>) -> Result<R> {
        work(self.turn()?.store()?)
    }

    /// Takes a step of a transaction inside the turn. What a transaction sent, spawned and kept for
    /// connections is undone with what it wrote.
    pub(crate) fn savepoint(&self, step: Savepoint) -> Result<()> {
        let mut inner = self.turn()?;
        let store = inner.store()?;
        let done = match step {
            Savepoint::Push => store.savepoint_push(),
            Savepoint::Release => store.savepoint_release(),
            Savepoint::Rollback => store.savepoint_rollback(),
        };
        done.map_err(StorageError::into_error)?;
        inner.mark(step);
        drop(inner);
        if step == Savepoint::Rollback {
            self.0.state_version.fetch_add(1, Ordering::AcqRel);
        }
        Ok(())
    }

    /// Stages an effect.
    pub(crate) fn effect(&self, effect: ToGateway) -> Result<()> {
        self.turn()?.gate.stage(effect);
        Ok(())
    }

    /// Stages a message.
    pub(crate) fn send(&self, targets: Targets, message: Message) -> Result<()> {
        self.effect(ToGateway::Send { targets, message, latest: false })
    }

    /// Runs a future with the object; it keeps the object awake.
    pub(crate) fn spawn(&self, future: BoxFuture<'static, bool>) -> Result<()> {
        self.turn()?.spawned.push(future);
        Ok(())
    }

    /// The open connections, oldest first.
    pub(crate) fn connections(&self) -> Result<Vec<Arc<ConnectionEntry>>> {
        let inner = self.turn()?;
        Ok(inner.connections.values().filter(|entry| !entry.is_closing()).cloned().collect())
    }

    /// Tells whether any connection takes frames of the protocol.
    pub(crate) fn has_protocol_connections(&self) -> Result<bool> {
        let inner = self.turn()?;
        Ok(inner.connections.values().any(|entry| !entry.flags().has(Flags::NO_PROTOCOL)))
    }

    /// Takes a new connection in.
    pub(crate) fn accept(
        &self,
        entry: &Arc<ConnectionEntry>,
        tags: Vec<String>,
        attachment: Attachment,
    ) -> Result<()> {
        let mut inner = self.turn()?;
        entry.set_tags(tags.clone());
        entry.replace(Kept { attachment: attachment.clone(), closing: false });
        inner.connections.insert(entry.key, entry.clone());
        if let Some(turn) = &mut inner.turn {
            turn.accepted.push(entry.key);
        }
        inner.gate.stage(ToGateway::Accept { connection: entry.key, tags, attachment: attachment.encoded() });
        Ok(())
    }

    /// Replaces the attachment of a connection.
    pub(crate) fn attach(&self, entry: &Arc<ConnectionEntry>, attachment: Attachment) -> Result<()> {
        let mut inner = self.turn()?;
        inner.gate.stage(ToGateway::Attach { connection: entry.key, attachment: attachment.encoded() });
        inner.keep(entry, |kept| kept.attachment = attachment);
        Ok(())
    }

    /// Closes a connection behind what was sent to it.
    pub(crate) fn close(
        &self,
        entry: &Arc<ConnectionEntry>,
        code: Option<u16>,
        reason: String,
    ) -> Result<()> {
        let mut inner = self.turn()?;
        if !entry.is_closing() {
            inner.gate.stage(ToGateway::Close { connection: entry.key, code, reason });
            inner.keep(entry, |kept| kept.closing = true);
        }
        Ok(())
    }

    /// Opens the window of a streamed response.
    pub(crate) fn open_window(&self, request: RequestKey) -> Arc<Window> {
        let window = Arc::new(Window::new());
        self.lock().windows.insert(request, window.clone());
        window
    }

    pub(crate) fn close_window(&self, request: RequestKey) {
        self.lock().windows.remove(&request);
    }

    /// Hears from the gateway how a streamed response gets on.
    pub(super) fn response_event(&self, event: &ToObject) {
        let inner = self.lock();
        match event {
            ToObject::Drained { request, chunks } => {
                if let Some(window) = inner.windows.get(request) {
                    window.drained(*chunks);
                }
            }
            ToObject::Gone { request } => {
                if let Some(window) = inner.windows.get(request) {
                    window.gone();
                }
            }
            _ => {}
        }
    }

    /// Undoes what the running turn did so far, because its handler panicked.
    pub(crate) fn panicked(&self) {
        let mut inner = self.lock();
        inner.panicked = true;
        if inner.turn.is_some() {
            inner.undo();
            inner.start_turn();
        }
        drop(inner);
        self.0.state_version.fetch_add(1, Ordering::AcqRel);
    }

    pub(super) fn begin_turn(&self) {
        self.lock().start_turn();
    }

    pub(super) fn end_turn(&self) {
        let mut inner = self.lock();
        if inner.turn.take().is_some()
            && let Some(Err(error)) = inner.store.as_mut().map(Store::end_turn)
        {
            inner.failed.get_or_insert(error.into_error());
        }
    }

    pub(super) fn undo_turn(&self) {
        let mut inner = self.lock();
        inner.undo();
        drop(inner);
        self.0.state_version.fetch_add(1, Ordering::AcqRel);
    }
}

impl Inner {
    pub(super) fn store(&mut self) -> Result<&mut Store> {
        self.store.as_mut().ok_or_else(|| Error::hidden("outside_turn", OutsideTurn))
    }

    pub(super) fn connection(&self, key: ConnectionKey) -> Option<Arc<ConnectionEntry>> {
        self.connections.get(&key).cloned()
    }

    pub(super) fn remove_connection(&mut self, key: ConnectionKey) -> Option<Arc<ConnectionEntry>> {
        self.connections.remove(&key)
    }

    fn start_turn(&mut self) {
        self.turn = Some(Turn {
            thread: thread::current().id(),
            effects: self.gate.mark(),
            spawned: self.spawned.len(),
            kept: Vec::new(),
            accepted: Vec::new(),
            transactions: Vec::new(),
        });
        if let Some(Err(error)) = self.store.as_mut().map(Store::begin_turn) {
            self.failed.get_or_insert(error.into_error());
        }
    }

    fn undo(&mut self) {
        let Some(turn) = self.turn.take() else { return };
        self.gate.undo_to(turn.effects);
        self.spawned.truncate(turn.spawned);
        for (entry, kept) in turn.kept.into_iter().rev() {
            entry.replace(kept);
        }
        for key in turn.accepted {
            self.connections.remove(&key);
        }
        if let Some(Err(error)) = self.store.as_mut().map(Store::rollback_turn) {
            self.failed.get_or_insert(error.into_error());
        }
    }

    fn mark(&mut self, step: Savepoint) {
        let Some(turn) = &mut self.turn else { return };
        if step == Savepoint::Push {
            turn.transactions.push(Mark {
                effects: self.gate.mark(),
                spawned: self.spawned.len(),
                kept: turn.kept.len(),
            });
            return;
        }
        let Some(mark) = turn.transactions.pop() else { return };
        if step == Savepoint::Rollback {
            self.gate.undo_to(mark.effects);
            self.spawned.truncate(mark.spawned);
            for (entry, kept) in turn.kept.drain(mark.kept..).rev() {
                entry.replace(kept);
            }
        }
    }

    /// Changes what is kept of a connection and remembers how it was.
    fn keep(&mut self, entry: &Arc<ConnectionEntry>, change: impl FnOnce(&mut Kept)) {
        let mut kept = entry.kept();
        change(&mut kept);
        let before = entry.replace(kept);
        if let Some(turn) = &mut self.turn {
            turn.kept.push((entry.clone(), before));
        }
    }
}

impl fmt::Debug for ObjectContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ObjectContext").field(&self.0.key).finish()
    }
}
