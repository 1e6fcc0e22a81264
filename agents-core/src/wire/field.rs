//! A field that goes past serde's own idea of its type: serde knows no array of more than 32 items.

use serde::{Deserializer, Serializer};

use crate::wire::Wire;

/// A type that serde reads and writes in a field by itself; asked for where it does not.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot stand in a field under another name: serde knows no array of more than 32 items",
    label = "a long array under another name",
    note = "write the array itself as the type of the field, such as `[u8; 64]`",
    note = "or give it a type of its own: `#[wire] struct Key([u8; 64]);`"
)]
pub trait SerdeField {}

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
