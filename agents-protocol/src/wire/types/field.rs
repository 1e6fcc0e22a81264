//! Reads and writes fields through [`Wire`] instead of serde's own implementation, because serde has no
//! arrays of more than 32 items.

use serde::{Deserializer, Serializer};

use crate::wire::Wire;

/// A type that serde itself reads and writes in a field. The macro requires this trait for a field that serde
/// cannot read, so that the compiler reports the error above.
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
