//! Runs the statements of users and of the runtime on a store.

use rusqlite::fallible_iterator::FallibleIterator;
use rusqlite::{Batch, CachedStatement, Statement};

use super::{Column, Rows};
use crate::storage::Result;
use crate::storage::error::{SqlError, SqlErrorKind, StorageError, shorten};
use crate::storage::sql::authorizer::Scope;
use crate::storage::sql::reserved::{INTERNAL, names_reserved, says_rollback};
use crate::storage::store::Store;
use crate::storage::store::statement::OpenStore;

impl Store {
    /// Runs a statement of the user and returns its first `most` rows.
    ///
    /// # Errors
    /// Fails when SQLite or the guard refuses it, or the statement writes although `read_only` is set.
    pub fn query(&mut self, sql: &str, params: &[Column], read_only: bool, most: usize) -> Result<Rows> {
        self.check_user(sql)?;
        let result = self.run_user(sql, params, read_only, Some(most)).map(|(_, rows)| rows);
        self.poison_on_fatal(result)
    }

    /// Runs a statement of the user and returns the number of rows that it changed.
    ///
    /// # Errors
    /// Fails when SQLite or the guard refuses it, or the statement writes although `read_only` is set.
    pub fn execute(&mut self, sql: &str, params: &[Column], read_only: bool) -> Result<u64> {
        self.check_user(sql)?;
        let result = self.run_user(sql, params, read_only, None).map(|(changed, _)| changed);
        self.poison_on_fatal(result)
    }

    /// Runs several statements of the user, all or none of them.
    ///
    /// # Errors
    /// Fails when SQLite or the guard refuses one of them, or one writes although `read_only` is set.
    pub fn execute_batch(&mut self, sql: &str, read_only: bool) -> Result<()> {
        self.check_user(sql)?;
        let nested = self.savepoint_push();
        let result = self.run_batch(sql, read_only);
        let result = self.poison_on_fatal(result);
        // Outside of a turn there is no level to undo, but the runtime always runs statements in a turn.
        if nested.is_ok() && !self.is_poisoned() {
            match &result {
                Ok(()) => self.savepoint_release()?,
                Err(_) => self.savepoint_rollback()?,
            }
        }
        result
    }

    /// Runs a statement of the runtime without the guard and returns its rows.
    ///
    /// # Errors
    /// Fails with [`StorageError::Misuse`] if the text does not begin with [`INTERNAL`], or when SQLite
    /// refuses it.
    pub fn internal_query(&mut self, sql: &'static str, params: &[Column]) -> Result<Rows> {
        let result = self.run_internal(sql, params, Some(usize::MAX)).map(|(_, rows)| rows);
        self.poison_on_fatal(result)
    }

    /// Runs a statement of the runtime without the guard and returns the number of rows that it changed.
    ///
    /// # Errors
    /// Fails with [`StorageError::Misuse`] if the text does not begin with [`INTERNAL`], or when SQLite
    /// refuses it.
    pub fn internal_execute(&mut self, sql: &'static str, params: &[Column]) -> Result<u64> {
        let result = self.run_internal(sql, params, None).map(|(changed, _)| changed);
        self.poison_on_fatal(result)
    }

    fn check_user(&self, sql: &str) -> Result<()> {
        self.check()?;
        if sql.trim_start().starts_with(INTERNAL) {
            let message = format!("a statement may not begin with {INTERNAL}");
            return Err(SqlError::new(SqlErrorKind::Denied, message, sql).into());
        }
        // SQLite reads only up to a NUL character and does not report the rest.
        if sql.contains('\0') {
            let message = "a statement may not contain a NUL character";
            return Err(SqlError::new(SqlErrorKind::Syntax, message, sql).into());
        }
        if says_rollback(sql) {
            let message = "ROLLBACK would undo more than this statement: use ABORT, or `transaction` for several statements that count together";
            return Err(SqlError::new(SqlErrorKind::Denied, message, sql).into());
        }
        Ok(())
    }

    fn run_user(
        &mut self,
        sql: &str,
        params: &[Column],
        read_only: bool,
        most: Option<usize>,
    ) -> Result<(u64, Rows)> {
        let timeout = self.separate(sql, read_only)?;
        let parts = self.opened()?;
        let scope = parts.authorizer.enter(read_only, timeout);
        let mut run = Run { parts, scope: Some(&scope) };
        let mut statement =
            run.parts.connection.prepare_cached(sql).map_err(|error| run.explain(error, sql))?;
        if statement.column_count() == 0 && statement.parameter_count() == 0 && is_blank(&statement) {
            return Err(SqlError::new(SqlErrorKind::Syntax, "there is no statement in the text", sql).into());
        }
        if read_only && writes(&statement) {
            return Err(StorageError::ReadOnly { sql: shorten(sql) });
        }
        if let Err(error) = run.check_names(&statement, sql) {
            // The authorizer would not be called again for a cached statement.
            statement.discard();
            return Err(error);
        }
        let result = run.step(&mut statement, sql, params, most);
        if scope.saw_pragma() {
            statement.discard();
        }
        result
    }

    fn run_batch(&mut self, sql: &str, read_only: bool) -> Result<()> {
        if !read_only {
            self.separate_long()?;
        }
        let parts = self.opened()?;
        let scope = parts.authorizer.enter(read_only, parts.options.statement_timeout);
        let mut run = Run { parts, scope: Some(&scope) };
        let mut batch = Batch::new(run.parts.connection, sql);
        while let Some(mut statement) = batch.next().map_err(|error| run.explain(error, sql))? {
            if read_only && writes(&statement) {
                return Err(StorageError::ReadOnly { sql: shorten(sql) });
            }
            run.check_names(&statement, sql)?;
            run.step(&mut statement, sql, &[], None)?;
        }
        Ok(())
    }

    fn run_internal(
        &mut self,
        sql: &'static str,
        params: &[Column],
        most: Option<usize>,
    ) -> Result<(u64, Rows)> {
        self.check()?;
        if !sql.starts_with(INTERNAL) {
            return Err(StorageError::Misuse("a statement of the runtime lacks its mark"));
        }
        self.separate_write()?;
        let mut run = Run { parts: self.opened()?, scope: None };
        let mut statement: CachedStatement<'_> =
            run.parts.connection.prepare_cached(sql).map_err(|error| run.explain(error, sql))?;
        run.step(&mut statement, sql, params, most)
    }
}

/// The parts of a store that are needed while the statement borrows the connection.
struct Run<'a> {
    parts: OpenStore<'a>,
    /// `None` for a statement of the runtime.
    scope: Option<&'a Scope<'a>>,
}

impl Run<'_> {
    /// Runs a statement to its end, or until it has returned the requested number of rows. Returns the number
    /// of rows that it changed, and the rows that it returned.
    fn step(
        &mut self,
        statement: &mut Statement<'_>,
        sql: &str,
        params: &[Column],
        most: Option<usize>,
    ) -> Result<(u64, Rows)> {
        let expected = statement.parameter_count();
        if expected != params.len() {
            let message = format!("the statement has {expected} parameters, {} are given", params.len());
            return Err(SqlError::new(SqlErrorKind::Parameters, message, sql).into());
        }
        // A setting such as `defer_foreign_keys` lasts as long as the transaction in which it is made.
        let setting = self.scope.is_some_and(|scope| scope.saw_setting());
        let writes = writes(statement);
        if writes || setting {
            self.begin()?;
            if let Some(scope) = self.scope {
                self.parts.levels.deferred.writes(setting);
                if scope.saw_tables() {
                    self.parts.levels.deferred.forget_tables();
                }
            }
        }
        for (index, param) in params.iter().enumerate() {
            statement.raw_bind_parameter(index + 1, param).map_err(|error| self.explain(error, sql))?;
        }
        self.parts.metrics.statement();
        let before = self.parts.connection.total_changes();
        let mut rows = most.map(|_| Rows::of(statement)).unwrap_or_default();
        let mut cursor = statement.raw_query();
        let mut read = 0;
        let done = loop {
            match cursor.next() {
                Ok(Some(row)) => {
                    read += 1;
                    let Some(most) = most else { continue };
                    if let Err(error) = rows.push(row) {
                        break Err(error);
                    }
                    if rows.len() >= most {
                        break Ok(());
                    }
                }
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        drop(cursor);
        if self.scope.is_some_and(Scope::saw_reshaping) {
            self.parts.levels.efforts.forget();
        }
        self.parts.metrics.rows_read(read);
        done.map_err(|error| self.explain(error, sql))?;
        // SQLite keeps the count of the last statement that changed rows.
        let written = self.parts.connection.total_changes().wrapping_sub(before);
        self.parts.metrics.rows_written(written);
        let changed = writes && written > 0;
        Ok((if changed { self.parts.connection.changes() } else { 0 }, rows))
    }

    /// Refuses names of the runtime in statements for which the authorizer does not get them.
    fn check_names(&self, statement: &Statement<'_>, sql: &str) -> Result<()> {
        if !self.scope.is_some_and(Scope::saw_names) {
            return Ok(());
        }
        let alone = statement.expanded_sql();
        if names_reserved(alone.as_deref().unwrap_or(sql)) {
            let message = "names that begin with `_agents` belong to the runtime";
            return Err(SqlError::new(SqlErrorKind::Denied, message, sql).into());
        }
        Ok(())
    }

    fn begin(&mut self) -> Result<()> {
        match self.scope {
            Some(scope) => scope.internal(|| self.parts.ready_to_write()),
            None => self.parts.ready_to_write(),
        }
    }

    /// Converts an error of SQLite into one that names the cause.
    fn explain(&self, error: rusqlite::Error, sql: &str) -> StorageError {
        let mut error = SqlError::from_sqlite(error, sql);
        let Some(scope) = self.scope else { return error.into() };
        if scope.denied_write() {
            return StorageError::ReadOnly { sql: shorten(sql) };
        }
        if scope.timed_out() {
            error.kind = SqlErrorKind::Timeout;
            error.message = format!(
                "the statement ran longer than {:?} and was stopped",
                self.parts.options.statement_timeout
            );
        } else if let Some(reason) = scope.denied() {
            error.kind = SqlErrorKind::Denied;
            error.message = reason.into_owned();
        }
        error.into()
    }
}

/// Returns whether running a statement writes. SQLite judges a statement behind EXPLAIN as if it ran.
pub(super) fn writes(statement: &Statement<'_>) -> bool {
    !statement.readonly() && statement.is_explain() == 0
}

/// Returns whether a statement consists only of white space and comments.
fn is_blank(statement: &Statement<'_>) -> bool {
    statement.expanded_sql().is_none_or(|sql| sql.trim().is_empty())
}
