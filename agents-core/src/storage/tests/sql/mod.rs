//! Tests of SQL: statements, rows and limits.

pub(super) mod limits;
pub(super) mod rows;
pub(super) mod statements;
