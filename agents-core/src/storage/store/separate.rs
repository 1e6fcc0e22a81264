//! Gives some turns a transaction of their own.
//!
//! The turns between two commits share a transaction of SQLite. A statement that writes and runs too long can
//! be stopped only together with its transaction. So the writes of earlier turns are committed before a
//! statement that may take long. This commit has no flush and no number, and becomes part of the next commit.
//! A [brief](Effort::Brief) statement stays in the shared transaction and is not stopped.
//!
//! In two cases a stopped statement still undoes other turns, and the store is poisoned. The first case is
//! a turn that runs a brief write first and a long one later: the brief write has joined the shared
//! transaction. It happens once for each class: from then on its turns are separated from the start. The
//! second case is a transaction with an alarm, which must not be committed before the alarm is in the alarm
//! index.

use std::time::Duration;

use super::Store;
use crate::storage::Result;
use crate::storage::sql::{Effort, effort};

impl Store {
    /// Prepares for a statement of the user. Returns the time for which the statement may run.
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

    /// Prepares for statements of the user that may take long.
    pub(in crate::storage) fn separate_long(&mut self) -> Result<()> {
        if !self.levels.is_shared() {
            return Ok(());
        }
        if self.levels.opened > 0 {
            if let Some(home) = &self.options.home {
                home.separates(self.class());
            }
            return Ok(());
        }
        self.commit_earlier()
    }

    /// Prepares for a short statement that a long one may follow.
    pub(in crate::storage) fn separate_write(&mut self) -> Result<()> {
        let separates =
            |store: &Self| store.options.home.as_ref().is_some_and(|home| home.is_separated(store.class()));
        if self.levels.opened == 0 && self.levels.is_shared() && separates(self) {
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
        // An error in the statement is reported when the statement runs.
        let effort = effort(parts.connection, sql).unwrap_or(Effort::Reads);
        let pragma = scope.saw_pragma();
        drop(scope);
        if !pragma {
            parts.levels.efforts.keep(sql, effort);
        }
        Ok(effort)
    }

    /// Commits the writes of the turns before the running one.
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
