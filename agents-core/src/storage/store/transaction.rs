//! Turns, the transactions inside turns, and the commit that several turns share.

use std::fmt;

use rusqlite::Params;

use super::Store;
use super::levels::{Level, Levels, Mark};
use super::statement::run;
use crate::storage::Result;
use crate::storage::error::{SqlError, StorageError};

const COMMIT: &str = "/*agents*/COMMIT";
const ROLLBACK: &str = "/*agents*/ROLLBACK";
const RELEASE: &str = "/*agents*/RELEASE s";
const ROLLBACK_TO: &str = "/*agents*/ROLLBACK TO s";
const CHECK_AT_ONCE: &str = "/*agents*/PRAGMA defer_foreign_keys = OFF";

/// The number of a commit, counted from 1 since the store was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lsn(pub u64);

impl fmt::Display for Lsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Store {
    /// Begins a turn. No statement runs until the turn writes.
    ///
    /// # Errors
    /// Fails with [`StorageError::Poisoned`], or with [`StorageError::Misuse`] if a turn is running.
    pub fn begin_turn(&mut self) -> Result<()> {
        self.check()?;
        if !self.levels.stack.is_empty() {
            return Err(StorageError::Misuse("a turn began inside another"));
        }
        self.levels.push();
        Ok(())
    }

    /// Ends a turn. Its writes become part of the next commit. Open transactions of the user are rolled back.
    ///
    /// # Errors
    /// Fails when a deferred constraint does not hold, or when a statement was stopped after other statements of
    /// the turn had written: the turn is then over and all of it is undone. When SQLite fails, the store is
    /// poisoned.
    pub fn end_turn(&mut self) -> Result<()> {
        self.check_sound()?;
        self.roll_back_open()?;
        if let Err(error) = self.check() {
            self.pop_rollback()?;
            return Err(error);
        }
        if let Err(error) = self.check_deferred() {
            if !self.is_poisoned() {
                self.pop_rollback()?;
            }
            return Err(error);
        }
        self.pop_release()
    }

    /// Returns whether the running turn has neither written nor staged anything.
    pub fn is_turn_untouched(&self) -> bool {
        self.levels.is_untouched()
    }

    /// Undoes everything that the running turn wrote or staged, and nothing else.
    ///
    /// # Errors
    /// Fails when SQLite fails. The store is then poisoned.
    pub fn rollback_turn(&mut self) -> Result<()> {
        if self.is_poisoned() {
            // Everything is rolled back already.
            return Ok(());
        }
        self.roll_back_open()?;
        self.pop_rollback()
    }

    /// Begins a transaction of the user inside the turn. Transactions nest.
    ///
    /// # Errors
    /// Fails with [`StorageError::Poisoned`], or with [`StorageError::Misuse`] outside of a turn.
    pub fn savepoint_push(&mut self) -> Result<()> {
        self.check()?;
        if self.levels.stack.is_empty() {
            return Err(StorageError::Misuse("a transaction began outside of a turn"));
        }
        self.levels.push();
        Ok(())
    }

    /// Ends the innermost transaction of the user. Its writes become part of the enclosing level.
    ///
    /// # Errors
    /// Fails with [`StorageError::Misuse`] if there is none. Fails when a statement was stopped after other
    /// statements had written; the transaction then has to be rolled back. When SQLite fails, the store is
    /// poisoned.
    pub fn savepoint_release(&mut self) -> Result<()> {
        self.check_savepoint()?;
        self.check()?;
        self.pop_release()
    }

    /// Undoes the innermost transaction of the user, including a staged state.
    ///
    /// # Errors
    /// Fails with [`StorageError::Misuse`] if there is none. When SQLite fails, the store is poisoned.
    pub fn savepoint_rollback(&mut self) -> Result<()> {
        self.check_savepoint()?;
        self.pop_rollback()
    }

    /// Commits the writes of the turns since the last commit. Returns `None` if there are none.
    ///
    /// After the call the operating system has the commit.
    /// [`SyncHandle::sync`](crate::storage::SyncHandle::sync) flushes it to the disk.
    ///
    /// # Errors
    /// If the commit fails, all of it is rolled back and the store is poisoned. Drop the store and open it
    /// again.
    pub fn commit(&mut self) -> Result<Option<Lsn>> {
        self.check()?;
        if !self.levels.stack.is_empty() {
            return Err(StorageError::Misuse("a commit inside a turn"));
        }
        if !self.has_uncommitted() {
            return Ok(None);
        }
        if let Err(error) = self.commit_transaction(Self::flush_state).and_then(|()| self.check_files()) {
            self.poison();
            return Err(error);
        }
        self.state.committed();
        self.alarm_changed = false;
        self.levels.unnumbered = false;
        self.lsn.0 += 1;
        self.metrics.commit();
        if let Some(database) = &mut self.database
            && let Err(error) = database.committed()
        {
            self.poison();
            return Err(error);
        }
        Ok(Some(self.lsn))
    }

    /// Writes a state and commits the transaction.
    pub(super) fn commit_transaction(&mut self, state: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        if let Some(faults) = &self.options.faults {
            faults.commit().map_err(|error| StorageError::io("commit to", &self.path, error))?;
        }
        // A state alone does not need a transaction, because it is one statement.
        state(self)?;
        if self.levels.open {
            self.run(COMMIT)?;
        }
        let put_off = self.levels.transaction_ended();
        self.check_at_once(put_off)
    }

    /// Returns whether writes wait for a commit.
    pub fn has_uncommitted(&self) -> bool {
        self.levels.open || self.levels.unnumbered || self.state.is_staged()
    }

    /// Returns the number of the last commit, or 0 before the first one.
    pub fn last_lsn(&self) -> Lsn {
        self.lsn
    }

    /// Makes the store unusable: uncommitted writes are undone, and every later call fails.
    pub fn poison(&mut self) {
        if self.poisoned {
            return;
        }
        self.poisoned = true;
        if let Some(database) = &self.database
            && !database.connection.is_autocommit()
        {
            // If this fails too, closing the connection rolls back.
            let _ = run(&database.connection, &self.metrics, ROLLBACK);
        }
        self.alarm_changed = false;
        self.levels = Levels::default();
        self.state.forget();
    }

    /// Runs a statement of the runtime that writes, inside the transaction of the running turn. Makes the
    /// file if there is none. Returns the number of rows that changed.
    pub(in crate::storage) fn write(&mut self, sql: &'static str, params: impl Params) -> Result<u64> {
        self.check()?;
        self.separate_write()?;
        let result = self.opened().and_then(|mut parts| {
            parts.ready_to_write()?;
            parts.change(sql, params)
        });
        self.poison_on_fatal(result)
    }

    /// Runs a statement like [`Store::write`], but does nothing if there is no file.
    pub(in crate::storage) fn write_if_there(
        &mut self,
        sql: &'static str,
        params: impl Params,
    ) -> Result<u64> {
        self.check()?;
        self.separate_write()?;
        let result = self.found().and_then(|parts| {
            let Some(mut parts) = parts else { return Ok(0) };
            parts.ready_to_write()?;
            parts.change(sql, params)
        });
        self.poison_on_fatal(result)
    }

    /// Checks the result of a statement. If SQLite ended a transaction that only the running turn used, the turn
    /// loses its writes. If the transaction was shared, or the file cannot be used any more, the store is
    /// poisoned.
    pub(in crate::storage) fn poison_on_fatal<T>(&mut self, result: Result<T>) -> Result<T> {
        let Err(error) = &result else { return result };
        let fatal = match error {
            StorageError::Sql(error) => error.kind.is_fatal(),
            error => matches!(error, StorageError::Damaged { .. }),
        };
        let gave_up = || self.database.as_ref().is_none_or(|database| database.connection.is_autocommit());
        if fatal {
            self.poison();
        } else if self.levels.open && gave_up() {
            match error {
                StorageError::Sql(error) if self.levels.lost_transaction(error) => {
                    let put_off = self.levels.transaction_ended();
                    self.check_at_once(put_off)?;
                }
                _ => self.poison(),
            }
        }
        result
    }

    /// Rolls back the transactions of the user that are open.
    fn roll_back_open(&mut self) -> Result<()> {
        while self.levels.stack.len() > 1 {
            self.pop_rollback()?;
        }
        Ok(())
    }

    fn check_savepoint(&self) -> Result<()> {
        self.check_sound()?;
        if self.levels.stack.len() < 2 {
            return Err(StorageError::Misuse("a transaction ended that had not begun"));
        }
        Ok(())
    }

    fn pop(&mut self) -> Result<Level> {
        self.levels.pop().ok_or(StorageError::Misuse("a turn ended that had not begun"))
    }

    fn pop_release(&mut self) -> Result<()> {
        let mut level = self.pop()?;
        self.levels.take_over(&mut level);
        match level.mark {
            Mark::Nothing | Mark::Transaction => Ok(()),
            Mark::Savepoint => self.run_or_poison(RELEASE),
        }
    }

    fn pop_rollback(&mut self) -> Result<()> {
        let level = self.pop()?;
        if let Some(undo) = level.undo {
            self.state.restore(undo);
        }
        if level.mark != Mark::Nothing {
            // The rollback may undo a change to a table.
            self.levels.efforts.forget();
        }
        match level.mark {
            Mark::Nothing => Ok(()),
            Mark::Transaction => {
                self.run_or_poison(ROLLBACK)?;
                let put_off = self.levels.transaction_ended();
                self.check_at_once(put_off)
            }
            Mark::Savepoint => {
                self.run_or_poison(ROLLBACK_TO)?;
                self.run_or_poison(RELEASE)?;
                // The savepoint does not restore the setting, and the earlier turns have not made it.
                let put_off = self.levels.stack.is_empty() && self.levels.deferred.takes_put_off();
                self.check_at_once(put_off)
            }
        }
    }

    /// Ends the deferral of constraints. SQLite does this itself at the end of a transaction, but continues
    /// to use statements that were prepared under the setting. Those statements report a broken constraint
    /// without undoing the change.
    fn check_at_once(&mut self, put_off: bool) -> Result<()> {
        if !put_off {
            return Ok(());
        }
        // The statement is never cached, because a setting acts while it is prepared.
        let parts = self.opened()?;
        let result = parts.connection.execute_batch(CHECK_AT_ONCE);
        result.map_err(|error| {
            self.poison();
            SqlError::from_sqlite(error, CHECK_AT_ONCE).into()
        })
    }

    fn run_or_poison(&mut self, sql: &'static str) -> Result<()> {
        let result = self.run(sql);
        if result.is_err() {
            self.poison();
        }
        result
    }

    /// Runs a statement of the runtime that has no parameters and returns no rows.
    fn run(&mut self, sql: &'static str) -> Result<()> {
        let parts = self.opened()?;
        run(parts.connection, parts.metrics, sql)
    }
}
