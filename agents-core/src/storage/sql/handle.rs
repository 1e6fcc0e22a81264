//! The way from a handler to its object's database.

use super::statement::{Reading, Writing};
use super::{Column, FromRow, FromRows, Params, Rows, Statement};
use crate::Result;
use crate::storage::StorageError;

/// What an [`SqlReader`] needs: something that reaches a store on behalf of a caller.
pub trait SqlReadDoor {
    /// Runs a statement and returns its rows, the first `most` of them.
    ///
    /// # Errors
    /// When SQLite refuses, or the caller may not write what the statement writes.
    fn query(&self, sql: &str, params: &[Column], most: usize) -> Result<Rows>;
}

/// What an [`Sql`] needs: a door through which a caller also writes.
pub trait SqlDoor: SqlReadDoor {
    /// Runs a statement and returns how many rows it changed.
    ///
    /// # Errors
    /// When SQLite refuses, or the caller may not write.
    fn execute(&self, sql: &str, params: &[Column]) -> Result<u64>;

    /// Runs several statements, all or none.
    ///
    /// # Errors
    /// When SQLite refuses one of them, or the caller may not write.
    fn execute_batch(&self, sql: &str) -> Result<()>;

    /// Takes a step of a transaction.
    ///
    /// # Errors
    /// When storage fails.
    fn savepoint(&self, step: Savepoint) -> Result<()>;
}

/// A step of a transaction inside a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Savepoint {
    /// It begins; they nest.
    Push,
    /// The innermost one ends and counts.
    Release,
    /// The innermost one ends and is undone.
    Rollback,
}

/// An object's database.
///
/// Values are bound to `?1`, `?2` … and never become part of the text.
#[derive(Clone, Copy)]
pub struct Sql<'a> {
    door: &'a (dyn SqlDoor + 'a),
}

impl std::fmt::Debug for Sql<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sql").finish_non_exhaustive()
    }
}

impl<'a> Sql<'a> {
    /// Makes one that goes through `door`.
    pub fn new(door: &'a (dyn SqlDoor + 'a)) -> Self {
        Self { door }
    }

    /// Returns all rows of a query.
    ///
    /// # Errors
    /// When SQLite refuses the statement, or a row is not a `T`.
    pub fn query<T: FromRow>(&self, sql: &str, params: impl Params) -> Result<Vec<T>> {
        Vec::from_query(self.door, sql, &params.into_columns()?)
    }

    /// Returns the only row of a query.
    ///
    /// # Errors
    /// As [`Sql::query`], and when there is not exactly one row.
    pub fn query_one<T: FromRow>(&self, sql: &str, params: impl Params) -> Result<T> {
        T::from_query(self.door, sql, &params.into_columns()?)
    }

    /// Returns the only row of a query, or `None`.
    ///
    /// # Errors
    /// As [`Sql::query`], and when there is more than one row.
    pub fn query_optional<T: FromRow>(&self, sql: &str, params: impl Params) -> Result<Option<T>> {
        Option::from_query(self.door, sql, &params.into_columns()?)
    }

    /// Runs a statement and returns how many rows it changed.
    ///
    /// # Errors
    /// When SQLite refuses the statement, or the caller may not write.
    pub fn execute(&self, sql: &str, params: impl Params) -> Result<u64> {
        self.door.execute(sql, &params.into_columns()?)
    }

    /// Runs several statements, separated by `;` and without parameters: all of them or none.
    ///
    /// # Errors
    /// When SQLite refuses one of them, or the caller may not write.
    pub fn execute_batch(&self, sql: &str) -> Result<()> {
        self.door.execute_batch(sql)
    }

    /// Starts a statement whose parameters follow one by one; the macro `sql!` uses it.
    pub fn statement(&self, sql: &'a str) -> Statement<'a> {
        Statement::new(self.door, Writing(self.door), sql)
    }

    /// Runs `body` as one: if it fails or panics, all it wrote is undone, a changed state too, and
    /// what it sent is not sent.
    /// Transactions nest.
    ///
    /// # Errors
    /// What `body` returns, or when storage fails.
    pub fn transaction<R>(&self, body: impl FnOnce(&Self) -> Result<R>) -> Result<R> {
        let step = |step| self.door.savepoint(step);
        Undo::around(&step, || body(self))
    }
}

/// An object's database, for reading alone: what a [`View`](crate::View) gives.
///
/// It has no way to write. A query that writes after all, such as an `INSERT` with `RETURNING` or a
/// `PRAGMA` that changes a setting, is refused with the code `sql_read_only`.
#[derive(Clone, Copy)]
pub struct SqlReader<'a> {
    door: &'a (dyn SqlReadDoor + 'a),
}

impl std::fmt::Debug for SqlReader<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqlReader").finish_non_exhaustive()
    }
}

impl<'a> SqlReader<'a> {
    /// Makes one that goes through `door`.
    pub fn new(door: &'a (dyn SqlReadDoor + 'a)) -> Self {
        Self { door }
    }

    /// Returns all rows of a query.
    ///
    /// # Errors
    /// When SQLite refuses the statement, it writes, or a row is not a `T`.
    pub fn query<T: FromRow>(&self, sql: &str, params: impl Params) -> Result<Vec<T>> {
        Vec::from_query(self.door, sql, &params.into_columns()?)
    }

    /// Returns the only row of a query.
    ///
    /// # Errors
    /// As [`query`](Self::query), and when there is not exactly one row.
    pub fn query_one<T: FromRow>(&self, sql: &str, params: impl Params) -> Result<T> {
        T::from_query(self.door, sql, &params.into_columns()?)
    }

    /// Returns the only row of a query, or `None`.
    ///
    /// # Errors
    /// As [`query`](Self::query), and when there is more than one row.
    pub fn query_optional<T: FromRow>(&self, sql: &str, params: impl Params) -> Result<Option<T>> {
        Option::from_query(self.door, sql, &params.into_columns()?)
    }

    /// Starts a query whose parameters follow one by one; the macro `sql!` uses it.
    pub fn statement(&self, sql: &'a str) -> Statement<'a, Reading> {
        Statement::new(self.door, Reading, sql)
    }
}

/// Rolls a transaction back unless it was released.
pub(in crate::storage) struct Undo<'a> {
    step: Option<&'a dyn Fn(Savepoint) -> Result<()>>,
}

impl<'a> Undo<'a> {
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

impl Drop for Undo<'_> {
    fn drop(&mut self) {
        if let Some(step) = self.step {
            // The failure that brought us here is what the caller gets. If undoing fails, the
            // store is poisoned, and every later call says so.
            let _ = step(Savepoint::Rollback);
        }
    }
}

/// The error for a query that gave another number of rows than asked for.
pub(super) fn wrong_count(expected: &'static str, found: &'static str, sql: &str) -> crate::Error {
    StorageError::RowCount { expected, found, sql: crate::storage::error::shorten(sql) }.into_error()
}
