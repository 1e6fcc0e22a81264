//! Reads one column through serde.

use std::any::type_name;
use std::fmt;

use serde::de::value::{SeqDeserializer, StrDeserializer};
use serde::de::{DeserializeSeed, Deserializer, EnumAccess, Visitor};
use serde::forward_to_deserialize_any;

use super::ColumnRef;

/// Why serde could not read a column or a row.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum DeError {
    /// A field has no column.
    Missing(&'static str),
    /// Anything else.
    Other(String),
}

impl fmt::Display for DeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(field) => write!(f, "missing field `{field}`"),
            Self::Other(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for DeError {}

impl serde::de::Error for DeError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::Other(message.to_string())
    }

    fn missing_field(field: &'static str) -> Self {
        Self::Missing(field)
    }
}

impl From<serde_json::Error> for DeError {
    fn from(error: serde_json::Error) -> Self {
        Self::Other(format!("in its JSON text: {error}"))
    }
}

/// Deserialises what one column holds.
#[derive(Clone, Copy)]
pub(super) struct Cell<'a> {
    value: ColumnRef<'a>,
    /// Whether serde reads the value before it knows what is wanted, as it does for flattened
    /// structs: text is then taken for JSON only if it looks like an object or an array.
    buffered: bool,
}

impl<'a> Cell<'a> {
    pub(super) fn new(value: ColumnRef<'a>) -> Self {
        Self { value, buffered: false }
    }

    pub(super) fn buffered(value: ColumnRef<'a>) -> Self {
        Self { value, buffered: true }
    }
}

/// Hands text to serde_json, which calls `$method` of its own deserializer.
macro_rules! json {
    ($text:expr, $method:ident ( $($arg:expr),* )) => {{
        let mut json = serde_json::Deserializer::from_str($text);
        let value = json.$method($($arg),*)?;
        json.end()?;
        Ok(value)
    }};
}

fn looks_compound(text: &str) -> bool {
    text.trim_start().starts_with(['{', '['])
}

impl<'de> Deserializer<'de> for Cell<'de> {
    type Error = DeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        match self.value {
            ColumnRef::Null => visitor.visit_unit(),
            ColumnRef::Integer(value) => visitor.visit_i64(value),
            ColumnRef::Real(value) => visitor.visit_f64(value),
            ColumnRef::Blob(bytes) => visitor.visit_bytes(bytes),
            ColumnRef::Text(text) => {
                // A JSON value is always stored as JSON text. For other types that ask for
                // anything (untagged enums), a scalar is stored as it is.
                let json = type_name::<V::Value>() == type_name::<serde_json::Value>() && !self.buffered;
                if (json || looks_compound(text))
                    && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
                {
                    json!(text, deserialize_any(visitor))
                } else {
                    visitor.visit_str(text)
                }
            }
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        match self.value {
            ColumnRef::Integer(0) => visitor.visit_bool(false),
            ColumnRef::Integer(1) => visitor.visit_bool(true),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        self.deserialize_any(visitor)
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        self.deserialize_any(visitor)
    }

    fn deserialize_i128<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        self.deserialize_any(visitor)
    }

    fn deserialize_u128<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        self.deserialize_any(visitor)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        match self.value {
            // Also when it looks like JSON: text was asked for.
            ColumnRef::Text(text) => visitor.visit_borrowed_str(text),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        match self.value {
            ColumnRef::Blob(bytes) => visitor.visit_bytes(bytes),
            ColumnRef::Text(text) if looks_compound(text) => json!(text, deserialize_bytes(visitor)),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        match self.value {
            ColumnRef::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, DeError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        match self.value {
            ColumnRef::Text(text) => json!(text, deserialize_seq(visitor)),
            // `Vec<u8>` is a list to serde.
            ColumnRef::Blob(bytes) => visitor.visit_seq(SeqDeserializer::new(bytes.iter().copied())),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, DeError> {
        match self.value {
            ColumnRef::Text(text) => json!(text, deserialize_tuple(len, visitor)),
            _ => self.deserialize_seq(visitor),
        }
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, DeError> {
        self.deserialize_tuple(len, visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        match self.value {
            ColumnRef::Text(text) => json!(text, deserialize_map(visitor)),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DeError> {
        match self.value {
            ColumnRef::Text(text) => json!(text, deserialize_struct(name, fields, visitor)),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DeError> {
        match self.value {
            ColumnRef::Text(text) if looks_compound(text) => {
                json!(text, deserialize_enum(name, variants, visitor))
            }
            ColumnRef::Text(text) => visitor.visit_enum(UnitVariant(text)),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! { i8 i16 i32 i64 u8 u16 u32 u64 unit unit_struct }
}

/// A variant that was stored as its name.
struct UnitVariant<'a>(&'a str);

impl<'de, 'a> EnumAccess<'de> for UnitVariant<'a> {
    type Error = DeError;
    type Variant = <StrDeserializer<'a, DeError> as EnumAccess<'de>>::Variant;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self::Variant), DeError> {
        EnumAccess::variant_seed(StrDeserializer::new(self.0), seed)
    }
}
