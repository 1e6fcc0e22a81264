//! A field that goes past serde's own idea of its type: serde knows no array of more than 32 items.

use serde::{Deserializer, Serializer};

use crate::wire::Wire;

/// Writes a field.
///
/// # Errors
/// Whatever the serializer reports.
pub fn serialize<T: Wire, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    value.wire_serialize(serializer)
}

/// Reads a field.
///
/// # Errors
/// When the input is not of this type.
pub fn deserialize<'de, T: Wire, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    T::wire_deserialize(deserializer)
}
