//! The SQL API for users: statements, their parameters, and rows as Rust types.
//!
//! Agents use it through a [`SqlBackend`], or through a [`SqlReadBackend`] where they only read. So the types of
//! SQLite do not appear in signatures.

pub(super) mod authorizer;
mod effort;
mod handle;
mod params;
mod reads;
pub(super) mod reserved;
mod rows;
mod run;
mod statement;
mod values;

pub(super) use effort::{Effort, Efforts, effort};
pub(super) use handle::SavepointGuard;
pub use handle::{Savepoint, Sql, SqlBackend, SqlReadBackend, SqlReader};
pub use params::Params;
pub use rows::Rows;
pub use statement::{MayWrite, Reading, Statement, Writing};
pub use values::column::{Column, ColumnRef, FromColumn, ToColumn, column_as_wire, wire_as_column};
pub use values::row::{ColumnIndex, FromRow, FromRows, Row, row_as_column};
pub use values::structure::row_as_struct;
