//! The SQL API of a handler for the database of its object.

use super::statement::{Reading, Writing};
use super::{Column, FromRow, FromRows, Params, Rows, Statement};
use crate::Result;
use crate::storage::StorageError;

/// The access of an [`SqlReader`] to a store, with the rights of a caller.
pub trait SqlReadBackend {
    /// Runs a statement and returns its first `most` rows.
    ///
    /// # Errors
    /// Fails when SQLite refuses the statement, or when it writes and the caller may not write.
    fn query(&self, sql: &str, params: &[Column], most: usize) -> Result<Rows>;
}

/// The access of an [`Sql`] to a store, which also allows a caller to write.
pub trait SqlBackend: SqlReadBackend {
    /// Runs a statement and returns the number of rows that it changed.
    ///
    /// # Errors
    /// Fails when SQLite refuses it, or the caller may not write.
    fn execute(&self, sql: &str, params: &[Column]) -> Result<u64>;

    /// Runs several statements: all of them or none.
    ///
    /// # Errors
    /// Fails when SQLite refuses one of them, or the caller may not write.
    fn execute_batch(&self, sql: &str) -> Result<()>;

    /// Takes a step of a transaction.
    ///
    /// # Errors
    /// Fails when storage fails.
    fn savepoint(&self, step: Savepoint) -> Result<()>;
}

/// A step of a transaction inside a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Savepoint {
    /// Begins a transaction. Transactions nest.
    Push,
    /// Ends the innermost transaction and keeps its writes.
    Release,
    /// Ends the innermost transaction and undoes its writes.
    Rollback,
}

/// The database of an object.
///
/// Values are bound to `?1`, `?2` … and never become part of the SQL text.
#[derive(Clone, Copy)]
pub struct Sql<'a> {
    backend: &'a (dyn SqlBackend + 'a),
}

impl std::fmt::Debug for Sql<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sql").finish_non_exhaustive()
    }
}

impl<'a> Sql<'a> {
    /// Returns a handle that uses the given access to a store.
    pub fn new(backend: &'a (dyn SqlBackend + 'a)) -> Self {
        Self { backend }
    }

    /// Returns all rows of a query.
    ///
    /// # Errors
    /// Fails when SQLite refuses the statement, or a row is not a `T`.
    pub fn query<T: FromRow>(&self, sql: &str, params: impl Params) -> Result<Vec<T>> {
        Vec::from_query(self.backend, sql, &params.into_columns()?)
    }

    /// Returns the only row of a query.
    ///
    /// # Errors
    /// Fails like [`Sql::query`], and when there is not exactly one row.
    pub fn query_one<T: FromRow>(&self, sql: &str, params: impl Params) -> Result<T> {
        T::from_query(self.backend, sql, &params.into_columns()?)
    }

    /// Returns the only row of a query, or `None` if there is no row.
    ///
    /// # Errors
    /// Fails like [`Sql::query`], and when there is more than one row.
    pub fn query_optional<T: FromRow>(&self, sql: &str, params: impl Params) -> Result<Option<T>> {
        Option::from_query(self.backend, sql, &params.into_columns()?)
    }

    /// Runs a statement and returns the number of rows that it changed.
    ///
    /// # Errors
    /// Fails when SQLite refuses the statement, or the caller may not write.
    pub fn execute(&self, sql: &str, params: impl Params) -> Result<u64> {
        self.backend.execute(sql, &params.into_columns()?)
    }

    /// Runs several statements, separated by `;` and without parameters: all of them or none.
    ///
    /// # Errors
    /// Fails when SQLite refuses one of them, or the caller may not write.
    pub fn execute_batch(&self, sql: &str) -> Result<()> {
        self.backend.execute_batch(sql)
    }

    /// Starts a statement whose parameters are bound one by one. The macro `sql!` uses it.
    pub fn statement(&self, sql: &'a str) -> Statement<'a> {
        Statement::new(self.backend, Writing(self.backend), sql)
    }

    /// Runs `body` as a transaction. If `body` fails or panics, all its writes are undone, including a change
    /// of the state, and its messages are not sent. Transactions nest.
    ///
    /// # Errors
    /// Fails with the error of `body`, or when storage fails.
    pub fn transaction<R>(&self, body: impl FnOnce(&Self) -> Result<R>) -> Result<R> {
        let step = |step| self.backend.savepoint(step);
        SavepointGuard::around(&step, || body(self))
    }
}

/// The database of an object for reading only, as a [`View`](crate::View) offers it.
///
/// There is no method that writes. A query that still writes, such as an `INSERT` with `RETURNING` or a
/// `PRAGMA` that changes a setting, is refused with the code `sql_read_only`.
#[derive(Clone, Copy)]
pub struct SqlReader<'a> {
    backend: &'a (dyn SqlReadBackend + 'a),
}

impl std::fmt::Debug for SqlReader<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqlReader").finish_non_exhaustive()
    }
}

impl<'a> SqlReader<'a> {
    /// Returns a handle that uses the given access to a store.
    pub fn new(backend: &'a (dyn SqlReadBackend + 'a)) -> Self {
        Self { backend }
    }

    /// Returns all rows of a query.
    ///
    /// # Errors
    /// Fails when SQLite refuses the statement, it writes, or a row is not a `T`.
    pub fn query<T: FromRow>(&self, sql: &str, params: impl Params) -> Result<Vec<T>> {
        Vec::from_query(self.backend, sql, &params.into_columns()?)
    }

    /// Returns the only row of a query.
    ///
    /// # Errors
    /// Fails like [`query`](Self::query), and when there is not exactly one row.
    pub fn query_one<T: FromRow>(&self, sql: &str, params: impl Params) -> Result<T> {
        T::from_query(self.backend, sql, &params.into_columns()?)
    }

    /// Returns the only row of a query, or `None` if there is no row.
    ///
    /// # Errors
    /// Fails like [`query`](Self::query), and when there is more than one row.
    pub fn query_optional<T: FromRow>(&self, sql: &str, params: impl Params) -> Result<Option<T>> {
        Option::from_query(self.backend, sql, &params.into_columns()?)
    }

    /// Starts a query whose parameters are bound one by one. The macro `sql!` uses it.
    pub fn statement(&self, sql: &'a str) -> Statement<'a, Reading> {
        Statement::new(self.backend, Reading, sql)
    }
}

/// A guard that rolls a transaction back unless the transaction was released.
pub(in crate::storage) struct SavepointGuard<'a> {
    step: Option<&'a dyn Fn(Savepoint) -> Result<()>>,
}

impl<'a> SavepointGuard<'a> {
    /// Runs `body` between the steps of a transaction.
    pub(in crate::storage) fn around<R>(
        step: &'a dyn Fn(Savepoint) -> Result<()>,
        body: impl FnOnce() -> Result<R>,
    ) -> Result<R> {
        step(Savepoint::Push)?;
        let mut undo = Self { step: Some(step) };
        let value = body()?;
        step(Savepoint::Release)?;
        undo.step = None;
        Ok(value)
    }
}

impl Drop for SavepointGuard<'_> {
    fn drop(&mut self) {
        if let Some(step) = self.step {
            // The caller gets the first failure. If the rollback fails, the store is poisoned, and every
            // later call reports it.
            let _ = step(Savepoint::Rollback);
        }
    }
}

/// Returns the error for a query that returned another number of rows than requested.
pub(super) fn wrong_count(expected: &'static str, found: &'static str, sql: &str) -> crate::Error {
    StorageError::RowCount { expected, found, sql: crate::storage::error::shorten(sql) }.into_error()
}
