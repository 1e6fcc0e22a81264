//! Distinguishes types that request a certain kind of value from types that accept any kind.

use std::fmt;

use serde::de::{Deserializer, Visitor};
use serde::forward_to_deserialize_any;

use crate::wire::{SCALAR, Wire};

/// Returns whether a type accepts any kind of value, so that its stored form must show the kind.
///
/// Such types are untagged enums, `serde_json::Value`, and types that consist only of these.
pub(super) fn reads_anything<T: Wire>() -> bool {
    matches!(T::wire_deserialize(Asked), Err(Probe::Anything))
}

/// A deserializer that returns no value and reports the kind that was requested.
struct Asked;

#[derive(Debug)]
enum Probe {
    Anything,
    Something,
}

impl fmt::Display for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a question and no value")
    }
}

impl std::error::Error for Probe {}

impl serde::de::Error for Probe {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self::Something
    }
}

macro_rules! something {
    ($($method:ident($($arg:ty),*)),* $(,)?) => {$(
        fn $method<V: Visitor<'de>>(self $(, _: $arg)*, _: V) -> Result<V::Value, Probe> {
            Err(Probe::Something)
        }
    )*};
}

impl<'de> Deserializer<'de> for Asked {
    type Error = Probe;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Probe> {
        Err(Probe::Anything)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Probe> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Probe> {
        if name == SCALAR { Err(Probe::Something) } else { visitor.visit_newtype_struct(self) }
    }

    something!(
        deserialize_bool(),
        deserialize_i8(),
        deserialize_i16(),
        deserialize_i32(),
        deserialize_i64(),
        deserialize_i128(),
        deserialize_u8(),
        deserialize_u16(),
        deserialize_u32(),
        deserialize_u64(),
        deserialize_u128(),
        deserialize_f32(),
        deserialize_f64(),
        deserialize_char(),
        deserialize_str(),
        deserialize_string(),
        deserialize_bytes(),
        deserialize_byte_buf(),
        deserialize_unit(),
        deserialize_unit_struct(&'static str),
        deserialize_seq(),
        deserialize_tuple(usize),
        deserialize_tuple_struct(&'static str, usize),
        deserialize_map(),
        deserialize_struct(&'static str, &'static [&'static str]),
        deserialize_enum(&'static str, &'static [&'static str]),
        deserialize_identifier(),
    );

    forward_to_deserialize_any! { ignored_any }
}
