//! Converts values of Rust into columns of SQL and back.
//!
//! Scalars are scalars in SQL. A type that accepts any kind of value is JSON text. This module does not run
//! statements.

pub(super) mod cell;
pub(super) mod column;
pub(super) mod encode;
pub(super) mod newtypes;
pub(super) mod row;
pub(super) mod scalar;
pub(super) mod structure;
