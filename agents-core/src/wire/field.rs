//! Reads and writes fields through [`Wire`] instead of serde's own implementation, because serde has no
//! arrays of more than 32 items.

use serde::{Deserializer, Serializer};

use crate::wire::Wire;

/// Writes a field.
///
/// # Errors
/// Fails with the error of the serializer.
pub fn serialize<T: Wire, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    value.wire_serialize(serializer)
}

/// Reads a field.
///
/// # Errors
/// Fails when the input is not of this type.
pub fn deserialize<'de, T: Wire, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    T::wire_deserialize(deserializer)
}
