//! Reads a row as a struct, by the names of its columns.

use serde::de::value::StrDeserializer;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

use super::cell::{Cell, DeError, Mistyped, Reading, looks_compound};
use crate::Result;
use crate::storage::StorageError;
use crate::storage::sql::{ColumnRef, Row};
use crate::wire::Wire;

/// Reads a row as a struct. Each column fills the field of the same name.
///
/// A column `created_at` fills the field `createdAt`, unless a field is called `created_at`. A column without
/// a field is skipped. A field without a column is an error, unless the field is an `Option` or has a
/// default.
///
/// # Errors
/// Fails when a field has no column, when two columns have one name, or when a column holds a value of
/// another type.
pub fn row_as_struct<T: Wire>(row: &Row<'_>) -> Result<T> {
    let mut guessed = Vec::new();
    read(row, &mut guessed).or_else(|failure| read_otherwise(row, guessed, failure)).map_err(|failure| {
        let error = match (failure.error, failure.column) {
            (DeError::Missing(field), None) => StorageError::Row {
                message: format!("no column for the field `{field}`, the query has {}", list(row)),
            },
            (error, None) => StorageError::Row { message: error.to_string() },
            (error, Some(index)) => StorageError::Column {
                column: row.name(index).unwrap_or_default().to_owned(),
                message: error.to_string(),
            },
        };
        error.into_error()
    })
}

/// The reason why a row could not be read.
struct Failure {
    error: DeError,
    /// The column that caused the error, if one did.
    column: Option<usize>,
}

impl Failure {
    fn is(&self, kind: Mistyped) -> bool {
        matches!(&self.error, DeError::Mistyped(found, _) if *found == kind)
    }
}

/// Reads the row once. `guessed` contains the columns of unknown type, each with its interpretation.
fn read<T: Wire>(row: &Row<'_>, guessed: &mut Vec<(usize, Reading)>) -> Result<T, Failure> {
    let mut column = None;
    let result = T::wire_deserialize(Whole { row, guessed, failed: &mut column });
    result.map_err(|error| Failure { error, column })
}

/// Reads a row again whose flattened fields did not match the interpretation of their columns.
///
/// Serde reads such columns before it knows the types of the fields. SQLite has no `bool`, and text may look
/// like JSON. So an error only shows that some column has to be read in another way. To find the column, the
/// row is read again with one column after the other marked.
fn read_otherwise<T: Wire>(
    row: &Row<'_>,
    mut guessed: Vec<(usize, Reading)>,
    mut failure: Failure,
) -> Result<T, Failure> {
    loop {
        let (mark, instead) = if failure.is(Mistyped::NumberForFlag) {
            (Mistyped::MarkForFlag, Reading::Flag)
        } else if failure.is(Mistyped::PartsForText) {
            (Mistyped::MarkForText, Reading::Scalar)
        } else {
            return Err(failure);
        };
        let wanted = (0..guessed.len()).find(|position| {
            let (index, reading) = guessed[*position];
            let fits = match row.value(index) {
                Ok(ColumnRef::Integer(0 | 1)) => instead == Reading::Flag,
                Ok(ColumnRef::Text(text)) => instead == Reading::Scalar && looks_compound(text),
                _ => false,
            };
            fits && reading == Reading::Guess && {
                let mut marked = guessed.clone();
                marked[*position].1 = Reading::Marked;
                read::<T>(row, &mut marked).is_err_and(|failure| failure.is(mark))
            }
        });
        let Some(position) = wanted else { return Err(failure) };
        guessed[position].1 = instead;
        match read(row, &mut guessed) {
            Ok(value) => return Ok(value),
            Err(next) => failure = next,
        }
    }
}

fn list(row: &Row<'_>) -> String {
    let names: Vec<String> = row.names().iter().map(|name| format!("`{}`", name.column)).collect();
    names.join(", ")
}

/// A deserializer for a whole row.
struct Whole<'r, 'a> {
    row: &'r Row<'a>,
    guessed: &'r mut Vec<(usize, Reading)>,
    /// The column that could not be read.
    failed: &'r mut Option<usize>,
}

impl<'r, 'a> Whole<'r, 'a> {
    fn columns(self, fields: Option<&'static [&'static str]>) -> Columns<'r, 'a> {
        Columns { row: self.row, fields, next: 0, guessed: self.guessed, failed: self.failed }
    }
}

impl<'de> Deserializer<'de> for Whole<'_, 'de> {
    type Error = DeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        visitor.visit_map(self.columns(None))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DeError> {
        visitor.visit_map(self.columns(Some(fields)))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, DeError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        visitor.visit_some(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        visitor.visit_seq(self.columns(None))
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _len: usize, visitor: V) -> Result<V::Value, DeError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _len: usize,
        visitor: V,
    ) -> Result<V::Value, DeError> {
        self.deserialize_seq(visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        map enum identifier ignored_any
    }
}

/// An iterator over the columns of a row.
struct Columns<'r, 'a> {
    row: &'r Row<'a>,
    /// The fields of the struct, if serde provides them.
    fields: Option<&'static [&'static str]>,
    next: usize,
    guessed: &'r mut Vec<(usize, Reading)>,
    failed: &'r mut Option<usize>,
}

impl<'a> Columns<'_, 'a> {
    fn cell(&mut self) -> Result<Cell<'a>, DeError> {
        let value = self.row.value(self.next).map_err(|error| {
            *self.failed = Some(self.next);
            DeError::Other(error.to_string())
        })?;
        if self.fields.is_some() {
            return Ok(Cell::new(value));
        }
        let known = self.guessed.iter().find(|(index, _)| *index == self.next);
        let reading = known.map(|(_, reading)| *reading).unwrap_or_else(|| {
            self.guessed.push((self.next, Reading::Guess));
            Reading::Guess
        });
        Ok(Cell::read_as(value, reading))
    }

    fn read<S: DeserializeSeed<'a>>(&mut self, seed: S) -> Result<S::Value, DeError> {
        let cell = self.cell()?;
        let value = seed.deserialize(cell).inspect_err(|_| *self.failed = Some(self.next))?;
        self.next += 1;
        Ok(value)
    }

    /// Returns the field that the current column fills.
    fn field(&self) -> Option<&'a str> {
        let names = self.row.names();
        let name = names.get(self.next)?;
        let (column, camel) = (&*name.column, &*name.field);
        let Some(fields) = self.fields else {
            return Some(column);
        };
        Some(if !fields.contains(&column) && fields.contains(&camel) { camel } else { column })
    }
}

impl<'de> MapAccess<'de> for Columns<'_, 'de> {
    type Error = DeError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, DeError> {
        let Some(field) = self.field() else {
            return Ok(None);
        };
        let names = self.row.names();
        if names[..self.next].iter().any(|name| name.column == names[self.next].column) {
            return Err(DeError::Other(format!(
                "the query has more than one column `{}`: give each a different name with AS",
                names[self.next].column
            )));
        }
        seed.deserialize(StrDeserializer::<DeError>::new(field)).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, DeError> {
        self.read(seed)
    }
}

impl<'de> SeqAccess<'de> for Columns<'_, 'de> {
    type Error = DeError;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, DeError> {
        if self.next == self.row.columns() {
            return Ok(None);
        }
        self.read(seed).map(Some)
    }
}
