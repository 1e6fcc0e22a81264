//! Statements of users, and of the runtime, on a store.

use rusqlite::fallible_iterator::FallibleIterator;
use rusqlite::{Batch, CachedStatement, Statement};

use super::row::Names;
use super::{Column, Row};
use crate::storage::Result;
use crate::storage::error::{SqlError, SqlErrorKind, StorageError, shorten};
use crate::storage::guard::Scope;
use crate::storage::reserved::{INTERNAL, names_reserved, says_rollback};
use crate::storage::statement::Parts;
use crate::storage::store::Store;

/// What takes the rows of a query; `false` ends it.
type Rows<'a> = &'a mut dyn FnMut(&Row<'_>) -> crate::Result<bool>;

/// How a query failed.
enum Failure {
    /// In SQLite, or before it.
    Storage(StorageError),
    /// In what took the rows.
    Rows(crate::Error),
}

impl From<StorageError> for Failure {
    fn from(error: StorageError) -> Self {
        Self::Storage(error)
    }
}

impl From<Box<SqlError>> for Failure {
    fn from(error: Box<SqlError>) -> Self {
        Self::Storage(error.into())
    }
}

impl Store {
    /// Runs a statement of the user and hands its rows out until `rows` says `false`.
    ///
    /// # Errors
    /// When SQLite or the guard refuses, the statement writes although `read_only` is set, or
    /// `rows` fails. A statement that wrote has written even if `rows` failed.
    pub fn query(
        &mut self,
        sql: &str,
        params: &[Column],
        read_only: bool,
        rows: Rows<'_>,
    ) -> crate::Result<()> {
        let result = match self.check_user(sql) {
            Ok(()) => self.run_user(sql, params, read_only, rows).map(|_| ()),
            Err(error) => Err(error.into()),
        };
        match result {
            Ok(()) => Ok(()),
            Err(Failure::Rows(error)) => Err(error),
            Err(Failure::Storage(error)) => self.settle(Err(error)).map_err(StorageError::into_error),
        }
    }

    /// Runs a statement of the user and returns how many rows it changed.
    ///
    /// # Errors
    /// When SQLite or the guard refuses, or the statement writes although `read_only` is set.
    pub fn execute(&mut self, sql: &str, params: &[Column], read_only: bool) -> Result<u64> {
        self.check_user(sql)?;
        match self.run_user(sql, params, read_only, &mut |_| Ok(true)) {
            Ok(changed) => Ok(changed),
            Err(Failure::Storage(error)) => self.settle(Err(error)),
            // Nothing that takes the rows can fail here.
            Err(Failure::Rows(_)) => Err(StorageError::Misuse("a statement failed in its rows")),
        }
    }

    /// Runs several statements of the user, all or none of them.
    ///
    /// # Errors
    /// When SQLite or the guard refuses one of them, or one writes although `read_only` is set.
    pub fn execute_batch(&mut self, sql: &str, read_only: bool) -> Result<()> {
        self.check_user(sql)?;
        let nested = self.savepoint_push();
        let result = self.run_batch(sql, read_only);
        let result = self.settle(result);
        // Outside of a turn there is no level to undo; the runtime does not do that.
        if nested.is_ok() && !self.is_poisoned() {
            match &result {
                Ok(()) => self.savepoint_release()?,
                Err(_) => self.savepoint_rollback()?,
            }
        }
        result
    }

    /// Runs a statement of the runtime, past the guard, and hands its rows out.
    ///
    /// # Errors
    /// [`StorageError::Misuse`] if the text does not begin with [`INTERNAL`]; when SQLite refuses
    /// or `rows` fails.
    pub fn internal_query(
        &mut self,
        sql: &'static str,
        params: &[Column],
        rows: Rows<'_>,
    ) -> crate::Result<()> {
        match self.run_internal(sql, params, rows) {
            Ok(_) => Ok(()),
            Err(Failure::Rows(error)) => Err(error),
            Err(Failure::Storage(error)) => self.settle(Err(error)).map_err(StorageError::into_error),
        }
    }

    /// Runs a statement of the runtime, past the guard; returns how many rows it changed.
    ///
    /// # Errors
    /// [`StorageError::Misuse`] if the text does not begin with [`INTERNAL`]; when SQLite refuses.
    pub fn internal_execute(&mut self, sql: &'static str, params: &[Column]) -> Result<u64> {
        match self.run_internal(sql, params, &mut |_| Ok(true)) {
            Ok(changed) => Ok(changed),
            Err(Failure::Storage(error)) => self.settle(Err(error)),
            Err(Failure::Rows(_)) => Err(StorageError::Misuse("a statement failed in its rows")),
        }
    }

    fn check_user(&self, sql: &str) -> Result<()> {
        self.check()?;
        if sql.trim_start().starts_with(INTERNAL) {
            let message = format!("a statement may not begin with {INTERNAL}");
            return Err(SqlError::new(SqlErrorKind::Denied, message, sql).into());
        }
        // SQLite reads up to it and says nothing of the rest.
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
        rows: Rows<'_>,
    ) -> Result<u64, Failure> {
        let parts = self.opened()?;
        let scope = parts.guard.enter(read_only, parts.options.statement_timeout);
        let mut run = Run { parts, scope: Some(&scope) };
        let mut statement =
            run.parts.connection.prepare_cached(sql).map_err(|error| run.explain(error, sql))?;
        if statement.column_count() == 0 && statement.parameter_count() == 0 && is_blank(&statement) {
            return Err(SqlError::new(SqlErrorKind::Syntax, "there is no statement in the text", sql).into());
        }
        if read_only && writes(&statement) {
            return Err(StorageError::ReadOnly { sql: shorten(sql) }.into());
        }
        if let Err(error) = run.check_names(&statement, sql) {
            // From the cache it would not be asked about again.
            statement.discard();
            return Err(error.into());
        }
        let result = run.step(&mut statement, sql, params, rows);
        if scope.saw_pragma() {
            statement.discard();
        }
        result
    }

    fn run_batch(&mut self, sql: &str, read_only: bool) -> Result<()> {
        let parts = self.opened()?;
        let scope = parts.guard.enter(read_only, parts.options.statement_timeout);
        let mut run = Run { parts, scope: Some(&scope) };
        let mut batch = Batch::new(run.parts.connection, sql);
        while let Some(mut statement) = batch.next().map_err(|error| run.explain(error, sql))? {
            if read_only && writes(&statement) {
                return Err(StorageError::ReadOnly { sql: shorten(sql) });
            }
            run.check_names(&statement, sql)?;
            match run.step(&mut statement, sql, &[], &mut |_| Ok(true)) {
                Ok(_) => {}
                Err(Failure::Storage(error)) => return Err(error),
                Err(Failure::Rows(_)) => return Err(StorageError::Misuse("a statement failed in its rows")),
            }
        }
        Ok(())
    }

    fn run_internal(&mut self, sql: &'static str, params: &[Column], rows: Rows<'_>) -> Result<u64, Failure> {
        self.check()?;
        if !sql.starts_with(INTERNAL) {
            return Err(StorageError::Misuse("a statement of the runtime lacks its mark").into());
        }
        let mut run = Run { parts: self.opened()?, scope: None };
        let mut statement: CachedStatement<'_> =
            run.parts.connection.prepare_cached(sql).map_err(|error| run.explain(error, sql))?;
        run.step(&mut statement, sql, params, rows)
    }
}

/// What running a statement needs of a store while the statement borrows the connection.
struct Run<'a> {
    parts: Parts<'a>,
    /// `None` for the runtime.
    scope: Option<&'a Scope<'a>>,
}

impl Run<'_> {
    fn step(
        &mut self,
        statement: &mut Statement<'_>,
        sql: &str,
        params: &[Column],
        rows: Rows<'_>,
    ) -> Result<u64, Failure> {
        let expected = statement.parameter_count();
        if expected != params.len() {
            let message = format!("the statement has {expected} parameters, {} are given", params.len());
            return Err(SqlError::new(SqlErrorKind::Parameters, message, sql).into());
        }
        // A setting such as `defer_foreign_keys` lasts as long as the transaction it is made in.
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
        self.parts.meter.statement();
        let before = self.parts.connection.total_changes();
        let names = Names::default();
        let mut cursor = statement.raw_query();
        let mut read = 0;
        let done = loop {
            match cursor.next() {
                Ok(Some(row)) => {
                    read += 1;
                    match rows(&Row::new(row, &names)) {
                        Ok(true) => {}
                        Ok(false) => break Ok(()),
                        Err(error) => break Err(Failure::Rows(error)),
                    }
                }
                Ok(None) => break Ok(()),
                Err(error) => break Err(self.explain(error, sql).into()),
            }
        };
        drop(cursor);
        self.parts.meter.rows_read(read);
        done?;
        // SQLite keeps the count of the last statement that had one.
        let written = self.parts.connection.total_changes().wrapping_sub(before);
        self.parts.meter.rows_written(written);
        let changed = writes && written > 0;
        Ok(if changed { self.parts.connection.changes() } else { 0 })
    }

    /// Refuses names of the runtime where the guard does not hear of them.
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

    /// Says in our words why SQLite failed.
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

/// Whether running a statement writes. SQLite judges a statement behind EXPLAIN as if it ran.
fn writes(statement: &Statement<'_>) -> bool {
    !statement.readonly() && statement.is_explain() == 0
}

/// Whether a statement is nothing but white space and comments.
fn is_blank(statement: &Statement<'_>) -> bool {
    statement.expanded_sql().is_none_or(|sql| sql.trim().is_empty())
}
