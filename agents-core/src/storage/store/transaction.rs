//! Turns, the transactions inside them, and the commit they share.

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
    /// Begins a turn. Costs nothing until the turn writes.
    ///
    /// # Errors
    /// [`StorageError::Poisoned`]; [`StorageError::Misuse`] if a turn is running.
    pub fn begin_turn(&mut self) -> Result<()> {
        self.check()?;
        if !self.levels.stack.is_empty() {
            return Err(StorageError::Misuse("a turn began inside another"));
        }
        self.levels.push();
        Ok(())
    }

    /// Ends a turn: its writes are part of the next commit. Transactions of the user that were
    /// left open are rolled back.
    ///
    /// # Errors
    /// A deferred constraint that does not hold, or a statement that was stopped after others of the turn had written: the
    /// turn is over and all of it is undone. When SQLite fails the store is poisoned.
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

    /// Returns whether the running turn has written and staged nothing yet.
    pub fn is_turn_untouched(&self) -> bool {
        self.levels.is_untouched()
    }

    /// Undoes all that the running turn wrote or staged, and nothing else.
    ///
    /// # Errors
    /// When SQLite fails; the store is poisoned then.
    pub fn rollback_turn(&mut self) -> Result<()> {
        if self.is_poisoned() {
            // All of it is rolled back already.
            return Ok(());
        }
        self.roll_back_open()?;
        self.pop_rollback()
    }

    /// Begins a transaction of the user inside the turn; they nest.
    ///
    /// # Errors
    /// [`StorageError::Poisoned`]; [`StorageError::Misuse`] outside of a turn.
    pub fn savepoint_push(&mut self) -> Result<()> {
        self.check()?;
        if self.levels.stack.is_empty() {
            return Err(StorageError::Misuse("a transaction began outside of a turn"));
        }
        self.levels.push();
        Ok(())
    }

    /// Ends the innermost transaction of the user; its writes count as far as those around it do.
    ///
    /// # Errors
    /// [`StorageError::Misuse`] if there is none; a statement that was stopped after others had written, and then the
    /// transaction has to be rolled back; when SQLite fails the store is poisoned.
    pub fn savepoint_release(&mut self) -> Result<()> {
        self.check_savepoint()?;
        self.check()?;
        self.pop_release()
    }

    /// Undoes the innermost transaction of the user, staged state included.
    ///
    /// # Errors
    /// [`StorageError::Misuse`] if there is none; when SQLite fails the store is poisoned.
    pub fn savepoint_rollback(&mut self) -> Result<()> {
        self.check_savepoint()?;
        self.pop_rollback()
    }

    /// Commits what the turns since the last commit wrote; `None` if they wrote nothing.
    ///
    /// The commit is with the operating system then. [`SyncHandle::sync`](crate::storage::SyncHandle::sync)
    /// brings it to the disk.
    ///
    /// # Errors
    /// When it fails all of it is rolled back and the store is poisoned: drop it, open it again.
    pub fn commit(&mut self) -> Result<Option<Lsn>> {
        self.check()?;
        if !self.levels.stack.is_empty() {
            return Err(StorageError::Misuse("a commit inside a turn"));
        }
        if !self.has_uncommitted() {
            return Ok(None);
        }
        if let Err(error) = self.commit_transaction(Self::flush_state).and_then(|()| self.check_place()) {
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
        // A state alone needs no transaction around it: one statement is one.
        state(self)?;
        if self.levels.open {
            self.run(COMMIT)?;
        }
        let put_off = self.levels.transaction_ended();
        self.check_at_once(put_off)
    }

    /// Says whether something waits for a commit.
    pub fn has_uncommitted(&self) -> bool {
        self.levels.open || self.levels.unnumbered || self.state.is_staged()
    }

    /// Returns the number of the last commit, 0 before the first.
    pub fn last_lsn(&self) -> Lsn {
        self.lsn
    }

    /// Gives the store up: what was not committed is undone, and every later call fails.
    pub fn poison(&mut self) {
        if self.poisoned {
            return;
        }
        self.poisoned = true;
        if let Some(database) = &self.database
            && !database.connection.is_autocommit()
        {
            // If this fails too, closing the connection does it.
            let _ = run(&database.connection, &self.metrics, ROLLBACK);
        }
        self.alarm_changed = false;
        self.levels = Levels::default();
        self.state.forget();
    }

    /// Runs a statement of the runtime that writes, inside the transaction of the running turn; the
    /// file is made if there is none. Returns how many rows changed.
    pub(in crate::storage) fn write(&mut self, sql: &'static str, params: impl Params) -> Result<u64> {
        self.check()?;
        self.separate_write()?;
        let result = self.opened().and_then(|mut parts| {
            parts.ready_to_write()?;
            parts.change(sql, params)
        });
        self.poison_on_fatal(result)
    }

    /// As [`Store::write`], but where there is no file there is nothing to do.
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

    /// Looks at how a statement ended. If SQLite gave up a transaction that the running turn had for itself, the turn
    /// loses what it wrote; if it was shared, or the file cannot be trusted, the store is poisoned.
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
            // A change to a table may be undone.
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
                // The savepoint does not bring the setting back, and the turns before have not made it.
                let put_off = self.levels.stack.is_empty() && self.levels.deferred.takes_put_off();
                self.check_at_once(put_off)
            }
        }
    }

    /// Lets constraints be checked at once again. SQLite does it by itself with a transaction, but goes on using
    /// statements that were prepared under the setting: those report what they break and leave it there.
    fn check_at_once(&mut self, put_off: bool) -> Result<()> {
        if !put_off {
            return Ok(());
        }
        // Never from the cache: a setting acts while it is prepared.
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

    /// Runs a statement of the runtime that has no parameters and gives no rows.
    fn run(&mut self, sql: &'static str) -> Result<()> {
        let parts = self.opened()?;
        run(parts.connection, parts.metrics, sql)
    }
}
