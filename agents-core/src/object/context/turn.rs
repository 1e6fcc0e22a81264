//! Turns as the context sees them: begun, ended, undone, and the transactions inside.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task;
use std::thread::{self, ThreadId};

use super::{Inner, ObjectContext};
use crate::error::Result;
use crate::gateway::ConnectionKey;
use crate::object::ConnectionEntry;
use crate::object::entry::Kept;
use crate::object::settings::Settings;
use crate::storage::sql::Savepoint;
use crate::storage::{StorageError, Store};

/// The running turn and how to undo it.
pub(super) struct Turn {
    pub(super) thread: ThreadId,
    /// Whose turn it is.
    pub(super) handler: u64,
    effects: usize,
    spawned: usize,
    kept: Vec<(Arc<ConnectionEntry>, Kept)>,
    pub(super) accepted: Vec<ConnectionKey>,
    /// The settings as they were, if the turn changed them.
    pub(super) settings: Option<Settings>,
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
    /// Begins a turn of a handler; `false` when another one runs alone or too much waits to leave, and the task is
    /// woken later.
    pub(in crate::object) fn begin_turn(&self, handler: u64, cx: &task::Context<'_>) -> bool {
        let mut inner = self.lock();
        if let Some(section) = &mut inner.section
            && section.owner != handler
        {
            section.waiting.push(cx.waker().clone());
            return false;
        }
        if inner.gate.is_full() {
            inner.gate.wait(cx.waker());
            return false;
        }
        inner.start_turn(handler);
        true
    }

    /// Begins a turn of the runtime's own.
    pub(in crate::object) fn begin_own_turn(&self) {
        self.lock().start_turn(0);
    }

    /// Lets those go on who waited for room in the gate, if there is room.
    pub(in crate::object) fn resume(&self) {
        let resumed = self.lock().gate.resumed();
        resumed.into_iter().for_each(task::Waker::wake);
    }

    pub(in crate::object) fn end_turn(&self) {
        let mut inner = self.lock();
        if inner.turn.take().is_some()
            && let Some(Err(error)) = inner.store.as_mut().map(Store::end_turn)
        {
            inner.failed.get_or_insert(error.into_error());
        }
    }

    /// Undoes what the running turn did so far, because its handler panicked.
    pub(crate) fn panicked(&self) {
        let mut inner = self.lock();
        inner.panicked = true;
        if let Some(handler) = inner.turn.as_ref().map(|turn| turn.handler) {
            if let Some(settings) = inner.undo() {
                self.handle().settings.replace(settings);
            }
            inner.start_turn(handler);
        }
        drop(inner);
        self.core.state_version.fetch_add(1, Ordering::AcqRel);
    }

    /// Takes a step of a transaction inside the turn. What a transaction sent, spawned and kept for
    /// connections is undone with what it wrote.
    pub(crate) fn transaction_step(&self, step: Savepoint) -> Result<()> {
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
            self.core.state_version.fetch_add(1, Ordering::AcqRel);
        }
        Ok(())
    }
}

impl Inner {
    fn start_turn(&mut self, handler: u64) {
        self.turn = Some(Turn {
            thread: thread::current().id(),
            handler,
            effects: self.gate.mark(),
            spawned: self.spawned.len(),
            kept: Vec::new(),
            accepted: Vec::new(),
            settings: None,
            transactions: Vec::new(),
        });
        if let Some(Err(error)) = self.store.as_mut().map(Store::begin_turn) {
            self.failed.get_or_insert(error.into_error());
        }
    }

    /// Undoes the turn; returns the settings as they were if it changed them.
    fn undo(&mut self) -> Option<Settings> {
        let turn = self.turn.take()?;
        self.undo_effects(turn.effects);
        self.forget_spawned(turn.spawned);
        for (entry, kept) in turn.kept.into_iter().rev() {
            entry.replace(kept);
        }
        for key in turn.accepted {
            self.roster.remove(key);
        }
        if let Some(Err(error)) = self.store.as_mut().map(Store::rollback_turn) {
            self.failed.get_or_insert(error.into_error());
        }
        turn.settings
    }

    /// Forgets the tasks from a mark on, but for those that stay.
    fn forget_spawned(&mut self, mark: usize) {
        for task in self.spawned.split_off(mark.min(self.spawned.len())) {
            if task.stays {
                self.spawned.push(task);
            } else {
                self.give_up(task);
            }
        }
    }

    /// Takes back what was sent from a mark on.
    fn undo_effects(&mut self, mark: usize) {
        for effect in self.gate.undo_to(mark) {
            self.give_up(effect);
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
            for (entry, kept) in turn.kept.drain(mark.kept..).rev() {
                entry.replace(kept);
            }
            self.undo_effects(mark.effects);
            self.forget_spawned(mark.spawned);
        }
    }

    /// Changes what is kept of a connection and remembers how it was.
    pub(super) fn keep(&mut self, entry: &Arc<ConnectionEntry>, change: impl FnOnce(&mut Kept)) {
        let mut kept = entry.kept();
        change(&mut kept);
        let before = entry.replace(kept);
        if let Some(turn) = &mut self.turn {
            turn.kept.push((entry.clone(), before));
        }
    }
}
