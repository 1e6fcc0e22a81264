//! The open levels of a store: a turn, the transactions in it, and the transaction of SQLite.

use super::deferred::Deferred;
use crate::storage::error::SqlError;
use crate::storage::sql::Efforts;
use crate::storage::tables::state::State;
use crate::storage::{Result, StoreOptions};

// One name is enough, because RELEASE and ROLLBACK TO refer to the innermost savepoint of that name.
const BEGIN: &str = "/*agents*/BEGIN IMMEDIATE";
const SAVEPOINT: &str = "/*agents*/SAVEPOINT s";

/// The open levels: a turn, and the transactions of the user in it.
#[derive(Debug, Default)]
pub(in crate::storage) struct Levels {
    pub(in crate::storage) stack: Vec<Level>,
    /// The number of levels that SQLite knows. The others wait for a write.
    pub(in crate::storage) opened: usize,
    /// `true` while SQLite has an open transaction. The transaction outlives the turn that opened it.
    pub(in crate::storage) open: bool,
    /// `true` if something is committed that has no commit number yet.
    pub(in crate::storage) unnumbered: bool,
    broken: Option<Broken>,
    pub(in crate::storage) deferred: Deferred,
    pub(in crate::storage) efforts: Efforts,
}

#[derive(Debug)]
pub(in crate::storage) struct Level {
    pub(in crate::storage) mark: Mark,
    /// The staged state before this level, if the level changed it.
    pub(in crate::storage) undo: Option<State>,
    /// The number of statements in this level that write.
    writes: u32,
}

/// The form in which SQLite knows a level.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::storage) enum Mark {
    Nothing,
    Transaction,
    Savepoint,
}

/// A level whose writes are lost. No statement runs in it until it is rolled back.
#[derive(Debug)]
struct Broken {
    depth: usize,
    error: Box<SqlError>,
}

impl Levels {
    pub(in crate::storage) fn push(&mut self) {
        self.stack.push(Level { mark: Mark::Nothing, undo: None, writes: 0 });
    }

    pub(in crate::storage) fn pop(&mut self) -> Option<Level> {
        let level = self.stack.pop();
        if self.stack.is_empty() {
            self.deferred.turn_ended();
        }
        self.opened = self.opened.min(self.stack.len());
        self.broken.take_if(|broken| broken.depth >= self.stack.len());
        level
    }

    /// Adds the effects of an inner level, which has ended, to the innermost level.
    pub(in crate::storage) fn take_over(&mut self, inner: &mut Level) {
        let Some(level) = self.stack.last_mut() else { return };
        level.writes = level.writes.saturating_add(inner.writes);
        if let Some(undo) = inner.undo.take() {
            // The value of the outer level is older.
            level.undo.get_or_insert(undo);
        }
    }

    /// Records that the transaction of SQLite has ended. Returns whether a setting in it deferred
    /// constraints.
    pub(in crate::storage) fn transaction_ended(&mut self) -> bool {
        self.open = false;
        self.deferred.takes_put_off()
    }

    /// Returns the slot in which the innermost level keeps the earlier staged state, or `None` outside of
    /// turns.
    pub(in crate::storage) fn undo_slot(&mut self) -> Option<&mut Option<State>> {
        self.stack.last_mut().map(|level| &mut level.undo)
    }

    /// Returns the state before the running turn, if the turn has changed the state.
    pub(in crate::storage) fn earlier_state(&mut self) -> Option<&mut State> {
        self.stack.iter_mut().find_map(|level| level.undo.as_mut())
    }

    /// Returns whether the running turn has neither written nor staged anything.
    pub(in crate::storage) fn is_untouched(&self) -> bool {
        let untouched = |level: &Level| level.mark == Mark::Nothing && level.undo.is_none();
        self.broken.is_none() && self.stack.iter().all(untouched)
    }

    /// Returns whether the writes of the running turn share a transaction with those of earlier turns.
    pub(in crate::storage) fn is_shared(&self) -> bool {
        self.open && self.stack.first().is_some_and(|turn| turn.mark != Mark::Transaction)
    }

    /// Returns the error of a broken level.
    pub(in crate::storage) fn broken(&self) -> Option<Box<SqlError>> {
        self.broken.as_ref().map(|broken| broken.error.clone())
    }

    /// Records that SQLite has rolled back its transaction in the middle of a statement. The outermost level
    /// that had written before becomes broken. If there is none, only the statement is undone.
    ///
    /// Returns `false` if writes of other turns are lost too.
    pub(in crate::storage) fn lost_transaction(&mut self, error: &SqlError) -> bool {
        if self.is_shared() || self.stack.is_empty() {
            return false;
        }
        let last = self.stack.len() - 1;
        // The statement itself counts as one.
        let wrote = |(depth, level): (usize, &Level)| level.writes > u32::from(depth == last);
        let depth = self.stack.iter().enumerate().position(wrote);
        self.broken = depth.map(|depth| {
            let mut error = Box::new(error.clone());
            error.message += ", and what was written with it is undone";
            Broken { depth, error }
        });
        for level in &mut self.stack {
            level.mark = Mark::Nothing;
            level.writes = 0;
        }
        self.opened = 0;
        self.deferred.turn_ended();
        self.forget_tables();
        true
    }

    /// Records that tables or settings may have changed.
    pub(in crate::storage) fn forget_tables(&mut self) {
        self.deferred.forget_tables();
        self.efforts.forget();
    }

    /// Begins the levels in SQLite that SQLite does not know yet. `run` runs one statement.
    pub(in crate::storage) fn ready_to_write(
        &mut self,
        options: &StoreOptions,
        mut run: impl FnMut(&'static str) -> Result<()>,
    ) -> Result<()> {
        if let Some(faults) = &options.faults {
            faults.write()?;
        }
        if !self.open {
            run(BEGIN)?;
            self.open = true;
            if let Some(first) = self.stack.first_mut() {
                first.mark = Mark::Transaction;
                self.opened = 1;
            }
        }
        while let Some(level) = self.stack.get_mut(self.opened) {
            run(SAVEPOINT)?;
            level.mark = Mark::Savepoint;
            self.opened += 1;
        }
        if let Some(level) = self.stack.last_mut() {
            level.writes = level.writes.saturating_add(1);
        }
        Ok(())
    }
}
