//! Stored values: JSON that their type can read again.

use std::any::type_name;
use std::collections::HashMap;

use parking_lot::Mutex;
use serde::de::Error as _;

use crate::storage::StorageError;
use crate::wire::{De, Wire, from_json, to_json};

/// The largest size at which each value is read back before it is stored, in bytes.
const ALWAYS_CHECKED: usize = 64 * 1024;

/// Returns a value as JSON that can be stored.
///
/// # Errors
/// `storage_json`, without the name of a key or column. For a value with a name there is [`to_stored`].
pub(crate) fn keep<T: Wire>(value: &T) -> crate::Result<String> {
    to_stored(value).map_err(|source| StorageError::Unfit { source }.into_error())
}

/// Returns a value as JSON that can be stored.
///
/// # Errors
/// Fails when the value has no JSON form, or when its type does not read back that form. The error names the
/// part of the value.
pub(in crate::storage) fn to_stored<T: Wire>(value: &T) -> Result<String, serde_json::Error> {
    let json = to_json(value)?;
    if is_checked::<T>(json.len()) {
        from_json::<T>(&json).map_err(|error| unreadable::<T>(&json, error))?;
    }
    Ok(json)
}

/// Reads a stored value.
///
/// # Errors
/// Fails when the text is not JSON, or not a value of this type.
pub(crate) fn from_stored<T: Wire>(json: &[u8]) -> Result<T, serde_json::Error> {
    std::str::from_utf8(json).map_err(serde_json::Error::custom).and_then(from_json)
}

/// Returns the error for a value that its type does not read back. Reads the value once more to find the
/// part.
fn unreadable<T: Wire>(json: &str, error: serde_json::Error) -> serde_json::Error {
    let reader = &mut serde_json::Deserializer::from_str(json);
    let path = match serde_path_to_error::deserialize::<_, De<T>>(reader) {
        Err(placed) if placed.path().iter().next().is_some() => format!("`{}`: ", placed.path()),
        _ => String::new(),
    };
    serde_json::Error::custom(format_args!("{path}the type does not read what it writes: {error}"))
}

/// Returns whether a value of this size is read back before it is stored.
///
/// Reading takes longer than writing. So a release build checks only the first large value of a type, and
/// each value that is twice as large as those before. A build with debug assertions checks all values.
pub(in crate::storage) fn is_checked<T>(bytes: usize) -> bool {
    static LARGEST: Mutex<Option<HashMap<&'static str, usize>>> = Mutex::new(None);
    if bytes <= ALWAYS_CHECKED || cfg!(debug_assertions) {
        return true;
    }
    let mut largest = LARGEST.lock();
    let largest = largest.get_or_insert_default().entry(type_name::<T>()).or_default();
    let check = bytes >= *largest * 2;
    if check {
        *largest = bytes;
    }
    check
}
