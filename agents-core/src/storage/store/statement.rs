//! Statements of the runtime on an open database.

use bytes::Bytes;
use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, OptionalExtension, Params, Row};

use super::levels::Levels;
use crate::storage::error::SqlError;
use crate::storage::metrics::StoreMetrics;
use crate::storage::sql::authorizer::SqlAuthorizer;
use crate::storage::sql::reserved::INTERNAL;
use crate::storage::{Result, StoreOptions};

/// The parts of a store with an open database, borrowed separately.
pub(in crate::storage) struct OpenStore<'a> {
    pub(in crate::storage) connection: &'a Connection,
    pub(in crate::storage) authorizer: &'a SqlAuthorizer,
    pub(in crate::storage) levels: &'a mut Levels,
    pub(in crate::storage) metrics: &'a StoreMetrics,
    pub(in crate::storage) options: &'a StoreOptions,
}

impl OpenStore<'_> {
    /// Runs a statement that returns no rows. Returns the number of rows that it changed.
    pub(in crate::storage) fn change(&mut self, sql: &'static str, params: impl Params) -> Result<u64> {
        change(self.connection, self.metrics, sql, params)
    }

    /// Runs a statement that returns one text or nothing.
    pub(in crate::storage) fn read_one(
        &mut self,
        sql: &'static str,
        params: impl Params,
    ) -> Result<Option<Bytes>> {
        self.read_row(sql, params, |row| Ok(row.get_ref(0)?.as_bytes().map(Bytes::copy_from_slice)?))
    }

    /// Runs a statement that returns one row or nothing.
    pub(in crate::storage) fn read_row<R>(
        &mut self,
        sql: &'static str,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<R>,
    ) -> Result<Option<R>> {
        debug_assert!(sql.starts_with(INTERNAL));
        self.metrics.statement();
        let value = self
            .connection
            .prepare_cached(sql)
            .and_then(|mut statement| statement.query_row(params, read).optional())
            .map_err(|error| SqlError::from_sqlite(error, sql))?;
        self.metrics.rows_read(u64::from(value.is_some()));
        Ok(value)
    }

    /// Begins a transaction for the following statements if none is open.
    pub(in crate::storage) fn ready_to_write(&mut self) -> Result<()> {
        let (connection, metrics) = (self.connection, self.metrics);
        self.levels.ready_to_write(self.options, |sql| run(connection, metrics, sql))
    }
}

/// JSON that is bound as text without a check of its encoding.
pub(in crate::storage) struct Json<'a>(pub(in crate::storage) &'a [u8]);

impl ToSql for Json<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(ValueRef::Text(self.0)))
    }
}

/// Runs a statement of the runtime that has no parameters and returns no rows.
pub(in crate::storage) fn run(
    connection: &Connection,
    metrics: &StoreMetrics,
    sql: &'static str,
) -> Result<()> {
    debug_assert!(sql.starts_with(INTERNAL));
    metrics.statement();
    connection
        .prepare_cached(sql)
        .and_then(|mut statement| statement.execute(()))
        .map_err(|error| SqlError::from_sqlite(error, sql))?;
    Ok(())
}

fn change(
    connection: &Connection,
    metrics: &StoreMetrics,
    sql: &'static str,
    params: impl Params,
) -> Result<u64> {
    debug_assert!(sql.starts_with(INTERNAL));
    metrics.statement();
    let changed = connection
        .prepare_cached(sql)
        .and_then(|mut statement| statement.execute(params))
        .map_err(|error| SqlError::from_sqlite(error, sql))?;
    let changed = u64::try_from(changed).unwrap_or(u64::MAX);
    metrics.rows_written(changed);
    Ok(changed)
}
