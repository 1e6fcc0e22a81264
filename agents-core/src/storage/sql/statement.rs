//! A statement whose parameters are bound one by one.

use super::{Column, FromRows, SqlBackend, SqlReadBackend, ToColumn};
use crate::{Error, Result};

/// The right of a [`Statement`] to write. A statement from an [`Sql`](super::Sql) has it.
#[derive(Clone, Copy)]
pub struct Writing<'a>(pub(super) &'a (dyn SqlBackend + 'a));

/// The right of a [`Statement`] only to read. A statement from an [`SqlReader`](super::SqlReader) has it.
#[derive(Clone, Copy, Debug)]
pub struct Reading;

/// The right that a [`Statement`] needs to write.
#[diagnostic::on_unimplemented(
    message = "a `View` cannot write: take `&Context<Self>` for this statement",
    label = "this statement writes"
)]
pub trait MayWrite {
    /// Returns the access to the database.
    fn backend(&self) -> &(dyn SqlBackend + '_);
}

#[diagnostic::do_not_recommend]
impl MayWrite for Writing<'_> {
    fn backend(&self) -> &(dyn SqlBackend + '_) {
        self.0
    }
}

impl std::fmt::Debug for Writing<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Writing")
    }
}

/// A statement whose parameters are bound one by one.
///
/// A value that cannot be bound does not end the chain: [`fetch`](Statement::fetch) or
/// [`run`](Statement::run) returns the error.
#[must_use = "a statement does nothing before `fetch` or `run`"]
pub struct Statement<'a, Right = Writing<'a>> {
    backend: &'a (dyn SqlReadBackend + 'a),
    right: Right,
    sql: &'a str,
    params: Vec<Column>,
    error: Option<Error>,
}

impl<Right> std::fmt::Debug for Statement<'_, Right> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The parameters are not shown, because they are data of users.
        f.debug_struct("Statement")
            .field("sql", &self.sql)
            .field("params", &self.params.len())
            .finish_non_exhaustive()
    }
}

impl<'a, Right> Statement<'a, Right> {
    pub(super) fn new(backend: &'a (dyn SqlReadBackend + 'a), right: Right, sql: &'a str) -> Self {
        Self { backend, right, sql, params: Vec::new(), error: None }
    }

    /// Declares that the statement writes, before its rows are fetched: `INSERT .. RETURNING ..`.
    pub fn writing(self) -> Self
    where
        Right: MayWrite,
    {
        self
    }

    /// Binds the next parameter.
    pub fn bind<T: ToColumn + ?Sized>(mut self, value: &T) -> Self {
        if self.error.is_none() {
            match value.to_column() {
                Ok(column) => self.params.push(column),
                Err(error) => self.error = Some(error),
            }
        }
        self
    }

    /// Runs the statement and returns its rows: all of them as a `Vec<T>`, none or one as an `Option<T>`, or
    /// exactly one as a `T`.
    ///
    /// # Errors
    /// Fails when a value could not be bound, SQLite refuses, or the rows are not what was requested.
    pub fn fetch<R: FromRows>(self) -> Result<R> {
        match self.error {
            Some(error) => Err(error),
            None => R::from_query(self.backend, self.sql, &self.params),
        }
    }

    /// Runs the statement and returns the number of rows that it changed.
    ///
    /// # Errors
    /// Fails when a value could not be bound, SQLite refuses, or the caller may not write.
    pub fn run(self) -> Result<u64>
    where
        Right: MayWrite,
    {
        match self.error {
            Some(error) => Err(error),
            None => self.right.backend().execute(self.sql, &self.params),
        }
    }
}
