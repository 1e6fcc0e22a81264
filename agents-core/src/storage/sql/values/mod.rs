//! The conversion between values of Rust and columns of SQL, in both directions.
//!
//! Scalars are scalars in SQL; a type that reads whatever it finds is JSON text.
//! Nothing in here runs a statement.

pub(super) mod cell;
pub(super) mod column;
pub(super) mod encode;
pub(super) mod newtypes;
pub(super) mod row;
pub(super) mod scalar;
pub(super) mod structure;
