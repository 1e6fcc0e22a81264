//! The value of one column, for writing and for reading.

use serde_json::Value;

use super::cell::Cell;
use super::encode::{NotScalar, Scalar};
use crate::Result;
use crate::storage::StorageError;
use crate::storage::sql::reads::reads_anything;
use crate::storage::tables::stored::{is_checked, to_stored};
use crate::wire::{Wire, to_json};

/// A value as SQLite stores it.
#[derive(Clone, Debug, PartialEq)]
pub enum Column {
    /// NULL.
    Null,
    /// A 64-bit integer.
    Integer(i64),
    /// A 64-bit float.
    Real(f64),
    /// Text.
    Text(String),
    /// Bytes.
    Blob(Vec<u8>),
}

/// A value as SQLite stores it, borrowed from a row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ColumnRef<'a> {
    /// NULL.
    Null,
    /// A 64-bit integer.
    Integer(i64),
    /// A 64-bit float.
    Real(f64),
    /// Text.
    Text(&'a str),
    /// Bytes.
    Blob(&'a [u8]),
}

impl ColumnRef<'_> {
    /// Returns SQLite's name for the type.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "NULL",
            Self::Integer(_) => "INTEGER",
            Self::Real(_) => "REAL",
            Self::Text(_) => "TEXT",
            Self::Blob(_) => "BLOB",
        }
    }

    /// Returns the value as JSON: text becomes a string, a blob becomes a list of numbers.
    pub(in crate::storage::sql) fn to_json(self) -> Result<Value> {
        Ok(match self {
            Self::Null => Value::Null,
            Self::Integer(value) => value.into(),
            // `Value` would turn an infinity into null.
            Self::Real(value) => serde_json::Number::from_f64(value)
                .map(Value::Number)
                .ok_or_else(|| StorageError::column(format!("JSON has no number {value}")).into_error())?,
            Self::Text(text) => text.into(),
            Self::Blob(bytes) => bytes.into(),
        })
    }

    /// Copies the value.
    pub fn to_owned(&self) -> Column {
        match *self {
            Self::Null => Column::Null,
            Self::Integer(value) => Column::Integer(value),
            Self::Real(value) => Column::Real(value),
            Self::Text(value) => Column::Text(value.to_owned()),
            Self::Blob(value) => Column::Blob(value.to_owned()),
        }
    }
}

impl Column {
    /// Returns the number of bytes of a text or blob, and 0 for other values.
    fn bytes(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Blob(bytes) => bytes.len(),
            Self::Null | Self::Integer(_) | Self::Real(_) => 0,
        }
    }

    /// Borrows the value.
    pub fn as_ref(&self) -> ColumnRef<'_> {
        match self {
            Self::Null => ColumnRef::Null,
            Self::Integer(value) => ColumnRef::Integer(*value),
            Self::Real(value) => ColumnRef::Real(*value),
            Self::Text(value) => ColumnRef::Text(value),
            Self::Blob(value) => ColumnRef::Blob(value),
        }
    }
}

impl rusqlite::ToSql for Column {
    fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
        use rusqlite::types::ValueRef as V;
        Ok(rusqlite::types::ToSqlOutput::Borrowed(match self {
            Self::Null => V::Null,
            Self::Integer(value) => V::Integer(*value),
            Self::Real(value) => V::Real(*value),
            Self::Text(value) => V::Text(value.as_bytes()),
            Self::Blob(value) => V::Blob(value),
        }))
    }
}

/// A type that can be read from a column.
///
/// Implemented for scalars, `String`, `Vec<u8>` (a BLOB), `Option` of these (NULL), `serde_json::Value` (JSON
/// text) and `#[wire]` types. A type that accepts any kind of value reads text as JSON.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be read from a column",
    label = "not a column type",
    note = "put `#[wire]` on your own struct or enum; it is stored as JSON text"
)]
pub trait FromColumn: Sized {
    /// Reads the value.
    ///
    /// # Errors
    /// Fails when the column holds a value of another type.
    fn from_column(value: ColumnRef<'_>) -> Result<Self>;
}

/// A type that can be bound to a parameter.
///
/// Implemented for scalars, text, bytes, `Option` of these (NULL), `serde_json::Value` (JSON text) and
/// `#[wire]` types.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be bound to a parameter of a statement",
    label = "not a column type",
    note = "put `#[wire]` on your own struct or enum; it is stored as JSON text"
)]
pub trait ToColumn {
    /// Converts the value into a column of SQLite.
    ///
    /// # Errors
    /// Fails when SQLite cannot store the value, for example a `u64` above `i64::MAX`.
    fn to_column(&self) -> Result<Column>;
}

/// Reads a wire value from a column: a scalar directly, a variant of an enum from its name, any other value
/// from JSON text.
///
/// # Errors
/// Fails when the column does not hold a `T`.
pub fn column_as_wire<T: Wire>(value: ColumnRef<'_>) -> Result<T> {
    T::wire_deserialize(Cell::new(value))
        .map_err(|error| StorageError::column(error.to_string()).into_error())
}

/// Converts a wire value into a column. A scalar stays a scalar, also inside a newtype. A variant without
/// fields becomes its name. Any other value becomes JSON text.
///
/// A type that accepts any kind of value, such as an untagged enum, is always JSON text. Otherwise the text
/// `5` and the number 5 could not be distinguished.
///
/// # Errors
/// Fails when the value has no JSON form, a number does not fit, or the type does not read what it writes.
pub fn wire_as_column<T: Wire>(value: &T) -> Result<Column> {
    let unfit = |message: String| StorageError::value(message).into_error();
    let as_json = || to_stored(value).map(Column::Text).map_err(|error| unfit(error.to_string()));
    let column = match value.wire_serialize(Scalar) {
        Ok(Column::Null) => Column::Null,
        Err(NotScalar::Compound) => return as_json(),
        _ if reads_anything::<T>() => return as_json(),
        Ok(column) => column,
        Err(NotScalar::Error(message)) => return Err(unfit(message)),
    };
    if is_checked::<T>(column.bytes()) {
        let read = T::wire_deserialize(Cell::new(column.as_ref()));
        read.map_err(|error| unfit(format!("the type does not read what it writes: {error}")))?;
    }
    Ok(column)
}

impl FromColumn for Value {
    fn from_column(value: ColumnRef<'_>) -> Result<Self> {
        match value {
            ColumnRef::Text(text) => serde_json::from_str(text)
                .map_err(|error| StorageError::column(format!("expected JSON text: {error}")).into_error()),
            ColumnRef::Blob(_) => Err(StorageError::column("expected JSON text, got BLOB").into_error()),
            scalar => scalar.to_json(),
        }
    }
}

impl ToColumn for Value {
    fn to_column(&self) -> Result<Column> {
        to_json(self).map(Column::Text).map_err(|error| StorageError::value(error.to_string()).into_error())
    }
}

impl ToColumn for Column {
    fn to_column(&self) -> Result<Column> {
        Ok(self.clone())
    }
}

impl FromColumn for Column {
    fn from_column(value: ColumnRef<'_>) -> Result<Self> {
        Ok(value.to_owned())
    }
}
