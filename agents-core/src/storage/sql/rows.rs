//! The rows of a query, copied out of the database.
//!
//! User code makes values from the rows, and may use the object meanwhile. So no statement and no lock is
//! open at that time.

use std::cell::OnceCell;

use rusqlite::types::ValueRef;

use super::Row;
use super::values::row::Name;
use crate::wire::name::camel_case;

/// The rows that a query returned.
#[derive(Debug, Default)]
pub struct Rows {
    columns: usize,
    /// The names of the columns, followed by the cells, row by row.
    cells: Vec<Copied>,
    /// The texts and blobs of the cells, one after the other.
    bytes: Vec<u8>,
    /// The names of the columns, made when a row needs them.
    names: OnceCell<Vec<Name>>,
}

/// A cell. Text and blobs are ranges of [`Rows::bytes`]; in SQLite they are smaller than 2 GiB.
#[derive(Clone, Copy, Debug)]
enum Copied {
    Null,
    Integer(i64),
    Real(f64),
    Text(usize, u32),
    Blob(usize, u32),
}

impl Rows {
    /// Returns an empty collection for the rows of a statement.
    pub(super) fn of(statement: &rusqlite::Statement<'_>) -> Self {
        let mut rows = Self { columns: statement.column_count(), ..Self::default() };
        for name in statement.column_names() {
            let name = rows.copy(ValueRef::Text(name.as_bytes()));
            rows.cells.push(name);
        }
        rows
    }

    /// Copies a row.
    pub(super) fn push(&mut self, row: &rusqlite::Row<'_>) -> rusqlite::Result<()> {
        for index in 0..self.columns {
            let cell = self.copy(row.get_ref(index)?);
            self.cells.push(cell);
        }
        Ok(())
    }

    fn copy(&mut self, value: ValueRef<'_>) -> Copied {
        let mut append = |bytes: &[u8]| {
            let start = self.bytes.len();
            self.bytes.extend_from_slice(bytes);
            (start, u32::try_from(bytes.len()).unwrap_or(u32::MAX))
        };
        match value {
            ValueRef::Null => Copied::Null,
            ValueRef::Integer(value) => Copied::Integer(value),
            ValueRef::Real(value) => Copied::Real(value),
            ValueRef::Text(bytes) => {
                let (start, length) = append(bytes);
                Copied::Text(start, length)
            }
            ValueRef::Blob(bytes) => {
                let (start, length) = append(bytes);
                Copied::Blob(start, length)
            }
        }
    }

    /// Returns the number of rows.
    pub fn len(&self) -> usize {
        match self.columns {
            0 => 0,
            columns => self.cells.len() / columns - 1,
        }
    }

    /// Returns whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the rows in their order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Row<'_>> {
        // The first cells are the names.
        (0..self.len()).map(|row| Row::new(self, (row + 1) * self.columns))
    }

    pub(super) fn columns(&self) -> usize {
        self.columns
    }

    /// Returns a cell by its position in the list of cells.
    pub(super) fn cell(&self, position: usize) -> Option<ValueRef<'_>> {
        let bytes = |start: usize, length: u32| self.bytes.get(start..start + length as usize);
        Some(match *self.cells.get(position)? {
            Copied::Null => ValueRef::Null,
            Copied::Integer(value) => ValueRef::Integer(value),
            Copied::Real(value) => ValueRef::Real(value),
            Copied::Text(start, length) => ValueRef::Text(bytes(start, length)?),
            Copied::Blob(start, length) => ValueRef::Blob(bytes(start, length)?),
        })
    }

    pub(super) fn names(&self) -> &[Name] {
        self.names.get_or_init(|| {
            let names = (0..self.columns).filter_map(|column| self.cell(column)?.as_str().ok());
            names.map(|column| Name { column: column.into(), field: camel_case(column).into() }).collect()
        })
    }
}
