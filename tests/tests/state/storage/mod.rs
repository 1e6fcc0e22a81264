//! Storage: SQL, keys and values, transactions, and values that are read back unchanged.

pub(super) mod enums;
mod key_value;
pub(super) mod newtypes;
pub(super) mod sql;
pub(super) mod transactions;
pub(super) mod values;
