//! A row of a query, and the types that can be made of rows.

use rusqlite::types::ValueRef;
use serde_json::{Map, Value};

use crate::Result;
use crate::storage::StorageError;
use crate::storage::sql::handle::wrong_count;
use crate::storage::sql::{Column, ColumnRef, FromColumn, Rows, SqlReadBackend};

/// A row of a query.
#[derive(Clone, Copy)]
pub struct Row<'a> {
    rows: &'a Rows,
    /// The position of the first cell of the row.
    first: usize,
}

impl std::fmt::Debug for Row<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<&str> = self.names().iter().map(|name| &*name.column).collect();
        f.debug_struct("Row").field("columns", &names).finish_non_exhaustive()
    }
}

/// The name of a column.
#[derive(Debug)]
pub(in crate::storage::sql) struct Name {
    /// The name in SQL.
    pub(in crate::storage::sql) column: Box<str>,
    /// The name of the field in JSON.
    pub(in crate::storage::sql) field: Box<str>,
}

impl<'a> Row<'a> {
    pub(in crate::storage::sql) fn new(rows: &'a Rows, first: usize) -> Self {
        Self { rows, first }
    }

    /// Returns the number of columns.
    pub fn columns(&self) -> usize {
        self.rows.columns()
    }

    /// Returns the name of a column.
    pub fn name(&self, index: usize) -> Option<&'a str> {
        self.names().get(index).map(|name| &*name.column)
    }

    /// Reads a column, by its position from 0 or by its name.
    ///
    /// # Errors
    /// Fails when there is no such column, or when the column holds a value of another type.
    pub fn get<T: FromColumn>(&self, column: impl ColumnIndex) -> Result<T> {
        let index = column.index(self)?;
        T::from_column(self.value(index)?).map_err(|error| self.name_column(error, index))
    }

    /// Returns the value of a column.
    ///
    /// # Errors
    /// Fails when there is no such column, or its text is not UTF-8.
    pub fn value(&self, index: usize) -> Result<ColumnRef<'a>> {
        let value = (index < self.columns()).then(|| self.rows.cell(self.first + index)).flatten();
        let value = value.ok_or_else(|| {
            StorageError::Row {
                message: format!("the query has {} columns, the index {index} is too large", self.columns()),
            }
            .into_error()
        })?;
        Ok(match value {
            ValueRef::Null => ColumnRef::Null,
            ValueRef::Integer(value) => ColumnRef::Integer(value),
            ValueRef::Real(value) => ColumnRef::Real(value),
            ValueRef::Blob(bytes) => ColumnRef::Blob(bytes),
            ValueRef::Text(bytes) => match std::str::from_utf8(bytes) {
                Ok(text) => ColumnRef::Text(text),
                Err(_) => {
                    let error = StorageError::column("the text is not UTF-8").into_error();
                    return Err(self.name_column(error, index));
                }
            },
        })
    }

    pub(in crate::storage::sql) fn names(&self) -> &'a [Name] {
        self.rows.names()
    }

    pub(in crate::storage::sql) fn expect_columns(&self, count: usize) -> Result<()> {
        let found = self.columns();
        if found == count {
            return Ok(());
        }
        let message = format!("the query has {found} columns, {count} are requested");
        Err(StorageError::Row { message }.into_error())
    }

    /// Adds the name of the column to an error that lacks it.
    fn name_column(&self, error: crate::Error, index: usize) -> crate::Error {
        match error.downcast_ref::<StorageError>() {
            Some(StorageError::Column { column, message }) if column.is_empty() => StorageError::Column {
                column: self.name(index).unwrap_or_default().to_owned(),
                message: message.clone(),
            }
            .into_error(),
            _ => error,
        }
    }
}

/// A column's position, from 0, or its name.
pub trait ColumnIndex {
    /// Returns the position of the column.
    ///
    /// # Errors
    /// Fails when there is no column of this name, or more than one.
    fn index(&self, row: &Row<'_>) -> Result<usize>;
}

impl ColumnIndex for usize {
    fn index(&self, _row: &Row<'_>) -> Result<usize> {
        Ok(*self)
    }
}

impl ColumnIndex for &str {
    fn index(&self, row: &Row<'_>) -> Result<usize> {
        let names = row.names();
        let mut found = (0..names.len()).filter(|index| *names[*index].column == **self);
        let message = match (found.next(), found.next()) {
            (Some(index), None) => return Ok(index),
            (None, _) => format!("the query has no column `{self}`"),
            (Some(_), Some(_)) => {
                format!("the query has more than one column `{self}`: give each a different name with AS")
            }
        };
        Err(StorageError::Row { message }.into_error())
    }
}

/// A type that a row can be read as: a scalar, or an enum or tuple struct with `#[wire]`, for one column; a
/// tuple for columns in their order; a `#[wire]` struct for columns by their names.
///
/// A column `created_at` fills the field `createdAt`, and so does a column `createdAt`. `serde_json::Map`
/// accepts any row.
#[diagnostic::on_unimplemented(
    message = "a row cannot be read as `{Self}`",
    label = "not a row type",
    note = "a row is a scalar, a tuple such as `(String, i64)`, or a struct or enum with `#[wire]`",
    note = "a nullable or binary column is read in a tuple: `(Option<i64>,)`, `(Vec<u8>,)`"
)]
pub trait FromRow: Sized {
    /// Reads the row.
    ///
    /// # Errors
    /// Fails when the columns do not fit.
    fn from_row(row: &Row<'_>) -> Result<Self>;
}

/// Reads a row of one column.
///
/// # Errors
/// Fails when the row has another number of columns, or when the column does not hold a `T`.
pub fn row_as_column<T: FromColumn>(row: &Row<'_>) -> Result<T> {
    row.expect_columns(1)?;
    row.get(0)
}

impl FromRow for Map<String, Value> {
    fn from_row(row: &Row<'_>) -> Result<Self> {
        let mut map = Self::new();
        for (index, name) in row.names().iter().enumerate() {
            let value = row.value(index)?.to_json().map_err(|error| row.name_column(error, index))?;
            map.insert(name.column.to_string(), value);
        }
        Ok(map)
    }
}

/// A type that a query can be fetched as: `Vec<T>` for all rows, `Option<T>` for none or one, `T` for exactly
/// one. `T` is a [`FromRow`].
#[diagnostic::on_unimplemented(
    message = "a query cannot be fetched as `{Self}`",
    label = "not made of rows",
    note = "write `Vec<T>` for all rows, `Option<T>` for none or one, `T` for exactly one",
    note = "a row is a scalar, a tuple such as `(String, i64)`, or a struct or enum with `#[wire]`"
)]
pub trait FromRows: Sized {
    /// Runs the query and reads its rows.
    ///
    /// # Errors
    /// Fails when SQLite refuses it, or the rows are not what was requested.
    fn from_query(backend: &(dyn SqlReadBackend + '_), sql: &str, params: &[Column]) -> Result<Self>;
}

impl<T: FromRow> FromRows for Vec<T> {
    fn from_query(backend: &(dyn SqlReadBackend + '_), sql: &str, params: &[Column]) -> Result<Self> {
        let rows = backend.query(sql, params, usize::MAX)?;
        rows.iter().map(|row| T::from_row(&row)).collect()
    }
}

impl<T: FromRow> FromRows for Option<T> {
    fn from_query(backend: &(dyn SqlReadBackend + '_), sql: &str, params: &[Column]) -> Result<Self> {
        only_row(backend, sql, params, "at most one row")
    }
}

impl<T: FromRow> FromRows for T {
    fn from_query(backend: &(dyn SqlReadBackend + '_), sql: &str, params: &[Column]) -> Result<Self> {
        const EXPECTED: &str = "exactly one row";
        only_row(backend, sql, params, EXPECTED)?.ok_or_else(|| wrong_count(EXPECTED, "0", sql))
    }
}

fn only_row<T: FromRow>(
    backend: &(dyn SqlReadBackend + '_),
    sql: &str,
    params: &[Column],
    expected: &'static str,
) -> Result<Option<T>> {
    // A second row shows that there is more than one.
    let rows = backend.query(sql, params, 2)?;
    let only = rows.iter().next().map(|row| T::from_row(&row)).transpose()?;
    if rows.len() > 1 { Err(wrong_count(expected, "more than one", sql)) } else { Ok(only) }
}
