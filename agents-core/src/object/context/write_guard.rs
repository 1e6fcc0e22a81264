//! A context on behalf of a connection that may not always write.

use std::sync::Arc;

use super::ObjectContext;
use crate::error::{Error, Result};
use crate::storage::StorageError;

/// A guard that is asked at each write.
pub(crate) trait WriteGuard: Send + Sync {
    /// Returns whether a write is allowed now.
    fn may_write(&self) -> bool;

    /// Called when a write was refused; returns the error for the handler.
    fn refused(&self, write: WriteKind, why: &str) -> Error;
}

/// A kind of write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WriteKind {
    /// Rows.
    Sql,
    /// Keys and values.
    Storage,
    /// The alarm.
    Alarm,
    /// The auto-response, and the time limit of handlers.
    Settings,
    /// `delete_all`.
    Everything,
}

impl ObjectContext {
    /// Returns the same context on behalf of a guard.
    pub(crate) fn on_behalf(&self, behalf: Arc<dyn WriteGuard>) -> Self {
        Self { core: self.core.clone(), behalf: Some(behalf) }
    }

    /// Returns an error if the guard allows no write now.
    pub(super) fn may_write(&self, write: WriteKind) -> Result<()> {
        match self.reader() {
            Some(reader) => Err(reader.refused(write, "only reading is allowed")),
            None => Ok(()),
        }
    }

    /// Runs a statement. Only SQLite knows whether the statement writes, so SQLite gets the permission to
    /// check.
    pub(super) fn checked<R>(&self, statement: impl FnOnce(bool) -> Result<R>) -> Result<R> {
        let reader = self.reader();
        statement(reader.is_some()).map_err(|error| match (reader, error.downcast_ref()) {
            (Some(reader), Some(StorageError::ReadOnly { .. })) => {
                reader.refused(WriteKind::Sql, &error.to_string())
            }
            _ => error,
        })
    }

    /// Returns the guard if it allows no write now. Outside of a turn the guard is not asked, because every
    /// method fails there.
    fn reader(&self) -> Option<&dyn WriteGuard> {
        let behalf = self.behalf.as_deref()?;
        (!behalf.may_write() && self.in_turn()).then_some(behalf)
    }
}
