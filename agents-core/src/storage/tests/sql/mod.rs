//! Tests of SQL: statements, rows and limits.

pub(super) mod limits;
pub(super) mod rows;
pub(super) mod statements;
mod types;
pub(super) mod wire_values;
