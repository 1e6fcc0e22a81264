//! A context on behalf of somebody who may not write all the time.

use std::sync::Arc;

use super::ObjectContext;
use crate::error::{Error, Result};
use crate::storage::StorageError;

/// Somebody that a context acts for; asked at each write.
pub(crate) trait WriteGuard: Send + Sync {
    /// Tells whether they may write now.
    fn may_write(&self) -> bool;

    /// Hears of a write that was refused; returns what the handler gets.
    fn refused(&self, write: Write, why: &str) -> Error;
}

/// A way to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Write {
    /// Rows.
    Sql,
    /// Keys and values.
    Storage,
    /// The alarm.
    Alarm,
    /// What the gateway answers, and how long handlers may run.
    Settings,
    /// `delete_all`.
    Everything,
}

impl ObjectContext {
    /// The same doors on behalf of somebody.
    pub(crate) fn on_behalf(&self, behalf: Arc<dyn WriteGuard>) -> Self {
        Self { core: self.core.clone(), behalf: Some(behalf) }
    }

    /// Refuses a write on behalf of somebody who may not.
    pub(super) fn may_write(&self, write: Write) -> Result<()> {
        match self.reader() {
            Some(reader) => Err(reader.refused(write, "only reading is allowed")),
            None => Ok(()),
        }
    }

    /// Runs a statement. Only SQLite knows whether it writes: it is told whether it may.
    pub(super) fn checked<R>(&self, statement: impl FnOnce(bool) -> Result<R>) -> Result<R> {
        let reader = self.reader();
        statement(reader.is_some()).map_err(|error| match (reader, error.downcast_ref()) {
            (Some(reader), Some(StorageError::ReadOnly { .. })) => {
                reader.refused(Write::Sql, &error.to_string())
            }
            _ => error,
        })
    }

    /// Who may not write now. Outside of a turn nobody is asked: no door opens there.
    fn reader(&self) -> Option<&dyn WriteGuard> {
        let behalf = self.behalf.as_deref()?;
        (!behalf.may_write() && self.in_turn()).then_some(behalf)
    }
}
