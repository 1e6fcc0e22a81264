//! SQL for users: values in and out, rows as Rust types, and the statements themselves.
//!
//! Agents reach it through a [`SqlDoor`], or a [`SqlReadDoor`] where they only read, so nothing of
//! SQLite's own types is in a signature.

mod cell;
mod column;
mod door;
mod effort;
mod encode;
mod newtypes;
mod params;
mod reads;
mod row;
mod rows;
mod run;
mod scalar;
mod statement;
mod structure;

pub use column::{Column, ColumnRef, FromColumn, ToColumn, column_as_wire, wire_as_column};
pub(super) use door::Undo;
pub use door::{Savepoint, Sql, SqlDoor, SqlReadDoor, SqlReader};
pub(super) use effort::{Effort, Efforts, effort};
pub use params::Params;
pub use row::{ColumnIndex, FromRow, FromRows, Row};
pub use rows::Rows;
pub use statement::{MayWrite, Reading, Statement, Writing};
pub use structure::row_as_struct;
