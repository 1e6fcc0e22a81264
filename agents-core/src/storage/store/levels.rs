//! What is open in a store at a moment: a turn, the transactions in it, and the transaction of SQLite.

use super::deferred::Deferred;
use crate::storage::error::SqlError;
use crate::storage::sql::Efforts;
use crate::storage::tables::state::{State, Undo};
use crate::storage::{Result, StoreOptions};

// One name is enough: RELEASE and ROLLBACK TO mean the innermost savepoint that has it.
const BEGIN: &str = "/*agents*/BEGIN IMMEDIATE";
const SAVEPOINT: &str = "/*agents*/SAVEPOINT s";

/// What is open at the moment: a turn and the transactions of the user in it.
#[derive(Debug, Default)]
pub(in crate::storage) struct Levels {
    pub(in crate::storage) stack: Vec<Level>,
    /// How many of them SQLite knows about; the rest wait for a write.
    pub(in crate::storage) begun: usize,
    /// Whether SQLite has a transaction open. It outlives the turn that opened it.
    pub(in crate::storage) open: bool,
    /// Something is committed that has no number yet.
    pub(in crate::storage) unnumbered: bool,
    broken: Option<Broken>,
    pub(in crate::storage) deferred: Deferred,
    pub(in crate::storage) efforts: Efforts,
}

#[derive(Debug)]
pub(in crate::storage) struct Level {
    pub(in crate::storage) mark: Mark,
    /// The staged state as it was, if this level changed it.
    pub(in crate::storage) undo: Option<Undo>,
    /// How many statements in this level were to write.
    writes: u32,
}

/// What SQLite knows of a level.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::storage) enum Mark {
    Nothing,
    Transaction,
    Savepoint,
}

/// A level whose writes are gone: nothing more is done in it until it is rolled back.
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
        self.begun = self.begun.min(self.stack.len());
        self.broken.take_if(|broken| broken.depth >= self.stack.len());
        level
    }

    /// Takes what an inner level did for a part of the level that is the innermost now.
    pub(in crate::storage) fn take_over(&mut self, inner: &mut Level) {
        let Some(level) = self.stack.last_mut() else { return };
        level.writes = level.writes.saturating_add(inner.writes);
        if let Some(undo) = inner.undo.take() {
            // What the outer level found is older.
            level.undo.get_or_insert(undo);
        }
    }

    /// SQLite has no transaction open any more; says whether a setting in it put constraints off.
    pub(in crate::storage) fn transaction_ended(&mut self) -> bool {
        self.open = false;
        self.deferred.takes_put_off()
    }

    /// Where the innermost level keeps the staged state it found; `None` outside of turns.
    pub(in crate::storage) fn undo_slot(&mut self) -> Option<&mut Option<Undo>> {
        self.stack.last_mut().map(|level| &mut level.undo)
    }

    /// Returns the state that the running turn found, if it has changed the state.
    pub(in crate::storage) fn earlier_state(&mut self) -> Option<&mut State> {
        self.stack.iter_mut().find_map(|level| level.undo.as_mut())
    }

    /// Returns whether the running turn has written and staged nothing yet.
    pub(in crate::storage) fn is_untouched(&self) -> bool {
        let untouched = |level: &Level| level.mark == Mark::Nothing && level.undo.is_none();
        self.broken.is_none() && self.stack.iter().all(untouched)
    }

    /// Returns whether what the running turn writes falls into a transaction with the writes of turns before it.
    pub(in crate::storage) fn is_shared(&self) -> bool {
        self.open && self.stack.first().is_some_and(|turn| turn.mark != Mark::Transaction)
    }

    /// Returns the error of a level whose writes are gone.
    pub(in crate::storage) fn broken(&self) -> Option<Box<SqlError>> {
        self.broken.as_ref().map(|broken| broken.error.clone())
    }

    /// Takes note that SQLite has rolled its transaction back in the middle of a statement. The outermost level that
    /// had written before is broken; where there is none, only the statement is undone.
    ///
    /// Returns `false` if writes of other turns are gone too.
    pub(in crate::storage) fn lost_transaction(&mut self, error: &SqlError) -> bool {
        if self.is_shared() || self.stack.is_empty() {
            return false;
        }
        let last = self.stack.len() - 1;
        // The statement counts for one itself.
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
        self.begun = 0;
        self.deferred.turn_ended();
        self.forget_tables();
        true
    }

    /// Tables or settings may not be what they were.
    pub(in crate::storage) fn forget_tables(&mut self) {
        self.deferred.forget_tables();
        self.efforts.forget();
    }

    /// Tells SQLite of all levels it does not know yet; `run` runs one statement.
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
                self.begun = 1;
            }
        }
        while let Some(level) = self.stack.get_mut(self.begun) {
            run(SAVEPOINT)?;
            level.mark = Mark::Savepoint;
            self.begun += 1;
        }
        if let Some(level) = self.stack.last_mut() {
            level.writes = level.writes.saturating_add(1);
        }
        Ok(())
    }
}
