//! Reads one column through serde.

use std::any::type_name;
use std::fmt;

use serde::de::value::{SeqDeserializer, StrDeserializer};
use serde::de::{DeserializeSeed, Deserializer, EnumAccess, Expected, Unexpected, Visitor};

use crate::storage::sql::ColumnRef;
use crate::wire::SCALAR;

/// The error of serde for a column or a row.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::storage::sql) enum DeError {
    /// A field has no column.
    Missing(&'static str),
    /// A field requested another type than the column holds.
    Mistyped(Mistyped, String),
    /// Another error.
    Other(String),
}

/// The names of the expected types in the errors of serde for `bool` and `String`.
const FLAG: &str = "a boolean";
const TEXT: &str = "a string";

/// The kind of mismatch, as far as it shows that the column should be read in another way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::storage::sql) enum Mistyped {
    /// An integer was found for a `bool`.
    NumberForFlag,
    /// The marked column was found for a `bool`.
    MarkForFlag,
    /// A list or an object was found for a `String`.
    PartsForText,
    /// The marked column was found for a `String`.
    MarkForText,
}

impl fmt::Display for DeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(field) => write!(f, "missing field `{field}`"),
            Self::Mistyped(_, message) | Self::Other(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for DeError {}

impl serde::de::Error for DeError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::Other(message.to_string())
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let message = format!("expected {expected}, got {}", kind_of(&found));
        let expected = expected.to_string();
        let kind = match found {
            Unexpected::Signed(_) if expected == FLAG => Mistyped::NumberForFlag,
            Unexpected::Unsigned(_) if expected == FLAG => Mistyped::MarkForFlag,
            Unexpected::Seq | Unexpected::Map if expected == TEXT => Mistyped::PartsForText,
            Unexpected::Bool(_) if expected == TEXT => Mistyped::MarkForText,
            _ => return Self::Other(message),
        };
        Self::Mistyped(kind, message)
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::Other(format!("expected {expected}, got {} of another value", kind_of(&found)))
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        let expected: Vec<String> = expected.iter().map(|name| format!("`{name}`")).collect();
        Self::Other(format!("expected one of {}, got another text", expected.join(", ")))
    }

    fn missing_field(field: &'static str) -> Self {
        Self::Missing(field)
    }
}

/// Returns the kind of a value, for messages. The value itself may be a secret, which the log must not have.
fn kind_of(found: &Unexpected<'_>) -> &'static str {
    match found {
        Unexpected::Bool(_) => "a boolean",
        Unexpected::Unsigned(_) | Unexpected::Signed(_) => "an integer",
        Unexpected::Float(_) => "a number",
        Unexpected::Char(_) | Unexpected::Str(_) => "text",
        Unexpected::Bytes(_) => "bytes",
        Unexpected::Unit => "NULL",
        Unexpected::Seq => "a list",
        Unexpected::Map => "an object",
        _ => "a value of another kind",
    }
}

impl From<serde_json::Error> for DeError {
    fn from(error: serde_json::Error) -> Self {
        Self::Other(format!("in its JSON text: {error}"))
    }
}

/// A deserializer for the value of one column.
#[derive(Clone, Copy)]
pub(in crate::storage::sql) struct Cell<'a> {
    value: ColumnRef<'a>,
    reading: Reading,
}

/// The interpretation of a value when any type is accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::storage::sql) enum Reading {
    /// Text is JSON, because a type that accepts anything is stored as JSON.
    Json,
    /// Text is text, because the type is a scalar.
    Scalar,
    /// Serde reads the value before it knows the requested type, as it does for flattened structs. Text is
    /// JSON only if it looks like an object or an array.
    Guess,
    /// The integer is a `bool`.
    Flag,
    /// As `Guess`, but the value is presented in a form by which an error identifies it.
    Marked,
}

impl<'a> Cell<'a> {
    pub(in crate::storage::sql) fn new(value: ColumnRef<'a>) -> Self {
        Self::read_as(value, Reading::Json)
    }

    pub(in crate::storage::sql) fn read_as(value: ColumnRef<'a>, reading: Reading) -> Self {
        Self { value, reading }
    }

    /// Passes the actual value to a visitor that requested another type, so that the visitor reports the
    /// mismatch.
    fn as_it_is<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, DeError> {
        match self.value {
            ColumnRef::Null => visitor.visit_unit(),
            ColumnRef::Integer(value) => visitor.visit_i64(value),
            ColumnRef::Real(value) => visitor.visit_f64(value),
            ColumnRef::Blob(bytes) => visitor.visit_bytes(bytes),
            ColumnRef::Text(text) => visitor.visit_borrowed_str(text),
        }
    }
}

/// Returns whether a `serde_json::Value` is read. The result is the same when serde buffers the value first.
fn is_value<T>() -> bool {
    type_name::<T>() == type_name::<serde_json::Value>()
}

/// Passes text to serde_json and calls `$method` of its deserializer.
macro_rules! json {
    ($text:expr, $method:ident ( $($arg:expr),* )) => {{
        let mut json = serde_json::Deserializer::from_str($text);
        let value = json.$method($($arg),*)?;
        json.end()?;
        Ok(value)
    }};
}

macro_rules! as_it_is {
    ($($method:ident),* $(,)?) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
            self.as_it_is(visitor)
        }
    )*};
}

pub(in crate::storage::sql) fn looks_compound(text: &str) -> bool {
    text.trim_start().starts_with(['{', '['])
}

impl<'de> Deserializer<'de> for Cell<'de> {
    type Error = DeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        let is_json = |text| serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
        match (self.value, self.reading) {
            (ColumnRef::Integer(value), Reading::Flag) => visitor.visit_bool(value != 0),
            // The unsigned form of an integer is the mark. A visitor that accepts one form accepts the other
            // one.
            (ColumnRef::Integer(value), Reading::Marked) => visitor.visit_u64(value.unsigned_abs()),
            (ColumnRef::Text(_), Reading::Marked) => visitor.visit_bool(true),
            (ColumnRef::Text(text), Reading::Json) if is_json(text) => json!(text, deserialize_any(visitor)),
            (ColumnRef::Text(text), Reading::Guess)
                if (looks_compound(text) || is_value::<V::Value>()) && is_json(text) =>
            {
                json!(text, deserialize_any(visitor))
            }
            _ => self.as_it_is(visitor),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        match self.value {
            ColumnRef::Integer(0) => visitor.visit_bool(false),
            ColumnRef::Integer(1) => visitor.visit_bool(true),
            _ => self.as_it_is(visitor),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        match self.value {
            // Text stays text even if it looks like JSON, because text was requested.
            ColumnRef::Text(text) => visitor.visit_borrowed_str(text),
            _ => self.as_it_is(visitor),
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
            _ => self.as_it_is(visitor),
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
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, DeError> {
        let reading = if name == SCALAR { Reading::Scalar } else { self.reading };
        visitor.visit_newtype_struct(Self { reading, ..self })
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        match self.value {
            ColumnRef::Text(text) => json!(text, deserialize_seq(visitor)),
            // `Vec<u8>` is a list to serde.
            ColumnRef::Blob(bytes) => visitor.visit_seq(SeqDeserializer::new(bytes.iter().copied())),
            _ => self.as_it_is(visitor),
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
            _ => self.as_it_is(visitor),
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
            _ => self.as_it_is(visitor),
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
            _ => self.as_it_is(visitor),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        visitor.visit_unit()
    }

    as_it_is!(
        deserialize_i8,
        deserialize_i16,
        deserialize_i32,
        deserialize_i64,
        deserialize_i128,
        deserialize_u8,
        deserialize_u16,
        deserialize_u32,
        deserialize_u64,
        deserialize_u128,
        deserialize_f32,
        deserialize_f64,
        deserialize_unit,
    );

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, DeError> {
        self.as_it_is(visitor)
    }
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
