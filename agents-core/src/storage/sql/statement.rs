//! One statement, its parameters bound one by one.

use super::{Column, FromRows, SqlDoor, ToColumn};
use crate::{Error, Result};

/// A statement whose parameters are bound one by one.
///
/// A value that cannot be bound does not break the chain: the error comes out of
/// [`fetch`](Statement::fetch) or [`run`](Statement::run).
#[must_use = "a statement does nothing before `fetch` or `run`"]
pub struct Statement<'a> {
    door: &'a (dyn SqlDoor + 'a),
    sql: &'a str,
    params: Vec<Column>,
    error: Option<Error>,
}

impl std::fmt::Debug for Statement<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The parameters are the users' data.
        f.debug_struct("Statement")
            .field("sql", &self.sql)
            .field("params", &self.params.len())
            .finish_non_exhaustive()
    }
}

impl<'a> Statement<'a> {
    pub(super) fn new(door: &'a (dyn SqlDoor + 'a), sql: &'a str) -> Self {
        Self { door, sql, params: Vec::new(), error: None }
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

    /// Runs it and returns its rows: all of them as a `Vec<T>`, none or one as an `Option<T>`, or
    /// exactly one as a `T`.
    ///
    /// # Errors
    /// When a value could not be bound, SQLite refuses, or the rows are not what was asked for.
    pub fn fetch<R: FromRows>(self) -> Result<R> {
        match self.error {
            Some(error) => Err(error),
            None => R::from_query(self.door, self.sql, &self.params),
        }
    }

    /// Runs it and returns how many rows it changed.
    ///
    /// # Errors
    /// When a value could not be bound, SQLite refuses, or the caller may not write.
    pub fn run(self) -> Result<u64> {
        match self.error {
            Some(error) => Err(error),
            None => self.door.execute(self.sql, &self.params),
        }
    }
}
