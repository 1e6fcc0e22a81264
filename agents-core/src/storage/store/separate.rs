//! Turns that get a transaction of their own.
//!
//! The turns between two commits share a transaction of SQLite. A statement that writes and runs too long can be stopped
//! only together with its transaction. So before a statement that may take long, what other turns have written is
//! committed: without a flush and without a number, as a part of the next commit. A statement that is
//! [brief](Effort::Brief) stays in the transaction of the others, and is not stopped.
//!
//! Two cases are left in which a statement that is stopped takes other turns along, and the store is poisoned. One is the first
//! turn of its class in this process that wrote something brief before: it stands in the middle of the others.
//! From then on all turns of the class are separated. The other is a transaction with an alarm, which must not be
//! committed before the index of alarms has it.

use std::time::Duration;

use super::Store;
use crate::storage::Result;
use crate::storage::sql::{Effort, effort};

impl Store {
    /// Gets ready for a statement of the user, and returns how long it may run.
    pub(in crate::storage) fn separate(&mut self, sql: &str, read_only: bool) -> Result<Duration> {
        let timeout = self.options.statement_timeout;
        if !self.levels.is_shared() {
            return Ok(timeout);
        }
        match self.effort(sql, read_only)? {
            Effort::Reads => Ok(timeout),
            Effort::Brief => {
                self.separate_write()?;
                Ok(if self.levels.is_shared() { Duration::MAX } else { timeout })
            }
            Effort::Long => self.separate_long().map(|()| timeout),
        }
    }

    /// Gets ready for statements of the user that may take long.
    pub(in crate::storage) fn separate_long(&mut self) -> Result<()> {
        if !self.levels.is_shared() {
            return Ok(());
        }
        if self.levels.begun > 0 {
            if let Some(home) = &self.options.home {
                home.separates(self.class());
            }
            return Ok(());
        }
        self.commit_earlier()
    }

    /// Gets ready for a statement that takes no time, perhaps with a long one behind it.
    pub(in crate::storage) fn separate_write(&mut self) -> Result<()> {
        let separates =
            |store: &Self| store.options.home.as_ref().is_some_and(|home| home.is_separated(store.class()));
        if self.levels.begun == 0 && self.levels.is_shared() && separates(self) {
            return self.commit_earlier();
        }
        Ok(())
    }

    fn effort(&mut self, sql: &str, read_only: bool) -> Result<Effort> {
        if let Some(effort) = self.levels.efforts.get(sql) {
            return Ok(effort);
        }
        let parts = self.opened()?;
        let scope = parts.authorizer.enter(read_only, parts.options.statement_timeout);
        // What is wrong with the statement is found when it runs.
        let effort = effort(parts.connection, sql).unwrap_or(Effort::Reads);
        let pragma = scope.saw_pragma();
        drop(scope);
        if !pragma {
            parts.levels.efforts.keep(sql, effort);
        }
        Ok(effort)
    }

    /// Commits what the turns before the running one have written.
    fn commit_earlier(&mut self) -> Result<()> {
        if self.alarm_changed {
            return Ok(());
        }
        let committed = self.commit_transaction(Self::flush_earlier_state).and_then(|()| {
            self.levels.unnumbered = true;
            self.database.as_mut().map_or(Ok(()), |database| database.committed())
        });
        if committed.is_err() {
            self.poison();
        }
        committed
    }
}
