//! The turns of a context: begin, end, undo, and the transactions inside.

use std::sync::atomic::Ordering;
use std::task;
use std::thread::{self, ThreadId};

use super::journal::{Change, JournalMark};
use super::{Inner, ObjectContext};
use crate::error::Result;
use crate::storage::sql::Savepoint;
use crate::storage::{StorageError, Store};

/// The running turn, with the data to undo it.
pub(super) struct Turn {
    pub(super) thread: ThreadId,
    /// The number of the handler that runs in this turn.
    pub(super) handler: u64,
    /// The changes that the turn has made so far, in order.
    pub(super) changes: Vec<Change>,
    start: JournalMark,
    /// The points where the open transactions of the turn began.
    transactions: Vec<JournalMark>,
}

impl ObjectContext {
    /// Begins a turn of a handler. Returns `false` when another handler runs alone or too much waits to be
    /// sent; then the task is woken later.
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

    /// Begins a turn of the runtime.
    pub(in crate::object) fn begin_own_turn(&self) {
        self.lock().start_turn(0);
    }

    /// Wakes the tasks that waited for space in the gate, if there is space.
    pub(in crate::object) fn resume(&self) {
        let resumed = self.lock().gate.resumed();
        resumed.into_iter().for_each(task::Waker::wake);
    }

    /// Ends the turn and makes its changes final.
    ///
    /// # Errors
    /// Fails when a constraint that is checked at the end of a turn is violated. The whole turn is then
    /// undone.
    pub(in crate::object) fn end_turn(&self) -> Result<()> {
        let mut inner = self.lock();
        let ended = self.finish_turn(&mut inner);
        let turn = inner.turn.take();
        drop(inner);
        drop(turn);
        ended
    }

    /// Ends the running turn and begins another one for the same handler. So the user code that follows
    /// cannot undo the changes of the runtime, and the runtime cannot undo the changes of user code.
    ///
    /// # Errors
    /// Fails as [`end_turn`](Self::end_turn) does.
    pub(crate) fn split_turn(&self) -> Result<()> {
        let Ok(mut inner) = self.turn() else { return Ok(()) };
        let Some(turn) = &inner.turn else { return Ok(()) };
        let handler = turn.handler;
        if !turn.transactions.is_empty() || inner.is_untouched(turn) {
            return Ok(());
        }
        let ended = self.finish_turn(&mut inner);
        let turn = inner.turn.take();
        inner.start_turn(handler);
        drop(inner);
        drop(turn);
        ended
    }

    /// Undoes the running turn, because its handler panicked.
    pub(crate) fn panicked(&self) {
        self.undo_turn();
    }

    /// Undoes the running turn and begins another one for the same handler. The instance of the object is
    /// replaced, because its memory may be that of the turn.
    pub(crate) fn undo_turn(&self) {
        let mut inner = self.lock();
        inner.panicked = true;
        let Some(turn) = &inner.turn else { return };
        let (handler, start) = (turn.handler, turn.start);
        self.undo_to(&mut inner, start);
        if let Some(Err(error)) = inner.store.as_mut().map(Store::rollback_turn) {
            inner.failed.get_or_insert(error.into_error());
        }
        let turn = inner.turn.take();
        inner.start_turn(handler);
        drop(inner);
        drop(turn);
    }

    /// Begins, commits or rolls back a transaction inside the turn. A rollback undoes the writes and all
    /// other changes of the transaction.
    pub(crate) fn transaction_step(&self, step: Savepoint) -> Result<()> {
        let mut inner = self.turn()?;
        let done = match step {
            Savepoint::Push => {
                inner.store()?.savepoint_push().map_err(StorageError::into_error)?;
                let mark = inner.mark();
                if let Some(turn) = &mut inner.turn {
                    turn.transactions.push(mark);
                }
                Ok(())
            }
            Savepoint::Release => {
                let released = inner.store()?.savepoint_release();
                if released.is_ok()
                    && let Some(turn) = &mut inner.turn
                {
                    turn.transactions.pop();
                }
                released
            }
            Savepoint::Rollback => {
                // Memory comes first, because a failed store has no savepoint left.
                let mark = inner.turn.as_mut().and_then(|turn| turn.transactions.pop());
                if let Some(mark) = mark {
                    self.undo_to(&mut inner, mark);
                }
                inner.store()?.savepoint_rollback()
            }
        };
        done.map_err(StorageError::into_error)
    }

    /// Ends the turn in the store, which checks it; on a failure the turn is undone here too.
    fn finish_turn(&self, inner: &mut Inner) -> Result<()> {
        let Some(turn) = &inner.turn else { return Ok(()) };
        let start = turn.start;
        if let Some(open) = turn.transactions.first().copied() {
            // The store rolls back the transactions that were left open.
            self.undo_to(inner, open);
        }
        let Some(store) = &mut inner.store else { return Ok(()) };
        let Err(error) = store.end_turn() else { return Ok(()) };
        if store.is_poisoned() {
            inner.failed.get_or_insert(error.into_error());
            return Ok(());
        }
        // The memory of the instance is that of a turn that was undone.
        inner.panicked = true;
        self.undo_to(inner, start);
        Err(error.into_error())
    }

    fn undo_to(&self, inner: &mut Inner, mark: JournalMark) {
        self.core.state_version.fetch_add(1, Ordering::AcqRel);
        inner.undo_to(mark, &self.handle().settings);
    }
}

impl Inner {
    /// Returns whether a turn has done nothing so far.
    fn is_untouched(&self, turn: &Turn) -> bool {
        turn.start == self.mark() && self.store.as_ref().is_none_or(Store::is_turn_untouched)
    }

    fn start_turn(&mut self, handler: u64) {
        self.turn = None;
        self.turn = Some(Turn {
            thread: thread::current().id(),
            handler,
            changes: Vec::new(),
            start: self.mark(),
            transactions: Vec::new(),
        });
        if let Some(Err(error)) = self.store.as_mut().map(Store::begin_turn) {
            self.failed.get_or_insert(error.into_error());
        }
    }
}
