//! Integers that JavaScript cannot hold as numbers.

use std::fmt;
use std::num::ParseIntError;
use std::str::FromStr;

use serde::de::{Deserialize, Deserializer, Visitor};
use serde::ser::{Serialize, Serializer};

use crate::wire::Wire;

/// The newtype name with which a type asks for a scalar of any kind. Text of such a type is stored as text in
/// a column as well, not as JSON.
#[doc(hidden)]
pub const SCALAR: &str = "$agents::scalar";

macro_rules! integers {
    ($($(#[$docs:meta])* $name:ident($ty:ty) $ts:literal),* $(,)?) => {$(
        $(#[$docs])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub $ty);

        impl From<$ty> for $name {
            fn from(value: $ty) -> Self {
                Self(value)
            }
        }

        impl From<$name> for $ty {
            fn from(value: $name) -> Self {
                value.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = ParseIntError;

            fn from_str(text: &str) -> Result<Self, ParseIntError> {
                text.parse().map(Self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Digits;
                impl<'de> Visitor<'de> for Digits {
                    type Value = $name;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str(concat!("a ", stringify!($ty), " as a decimal string"))
                    }
                    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<$name, D::Error> {
                        deserializer.deserialize_any(self)
                    }
                    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<$name, E> {
                        text.parse().map_err(|error| {
                            E::custom(format_args!(concat!("not a ", stringify!($ty), " as a decimal string: {}"), error))
                        })
                    }
                    // SQLite stores integers, and a client may send an integer instead of a string.
                    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<$name, E> {
                        value.try_into().map($name).map_err(E::custom)
                    }
                    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<$name, E> {
                        value.try_into().map($name).map_err(E::custom)
                    }
                    fn visit_u128<E: serde::de::Error>(self, value: u128) -> Result<$name, E> {
                        value.try_into().map($name).map_err(E::custom)
                    }
                    fn visit_i128<E: serde::de::Error>(self, value: i128) -> Result<$name, E> {
                        value.try_into().map($name).map_err(E::custom)
                    }
                }
                deserializer.deserialize_newtype_struct(SCALAR, Digits)
            }
        }

        impl Wire for $name {
            type Shape = Self;

            fn wire_serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                self.serialize(serializer)
            }
            fn wire_deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::deserialize(deserializer)
            }
        }

        super::alias::alias!($name, "string", $ts);
    )*};
}

integers!(
    /// A `u64` that travels as a decimal string, so that JavaScript does not lose digits.
    ///
    /// A plain `u64` travels as a JSON number, which JavaScript rounds above 2⁵³. A client may also send an
    /// integer. In SQL the value is an integer, and a value above `i64::MAX` is an error.
    ///
    /// ```
    /// use agents_protocol::wire::{U64, from_json, to_json};
    ///
    /// assert_eq!(to_json(&U64(u64::MAX)).unwrap(), r#""18446744073709551615""#);
    /// assert_eq!(from_json::<U64>(r#""7""#).unwrap(), U64(7));
    /// ```
    U64(u64) "A `u64` as a decimal string.",
    /// An `i64` that travels as a decimal string, so that JavaScript does not lose digits; see [`U64`].
    I64(i64) "An `i64` as a decimal string.",
    /// A `u128` that travels as a decimal string, so that JavaScript does not lose digits; see [`U64`].
    U128(u128) "A `u128` as a decimal string.",
    /// An `i128` that travels as a decimal string, so that JavaScript does not lose digits; see [`U64`].
    I128(i128) "An `i128` as a decimal string.",
);

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::wire::{from_json, to_json};

    #[test]
    fn no_digit_is_lost() {
        for value in [0, 1, u64::MAX] {
            assert_eq!(from_json::<U64>(&to_json(&U64(value)).unwrap()).unwrap(), U64(value));
        }
        assert_eq!(to_json(&I128(i128::MIN)).unwrap(), format!("\"{}\"", i128::MIN));
        assert_eq!(from_json::<I128>(&format!("\"{}\"", i128::MIN)).unwrap().0, i128::MIN);
    }

    #[test]
    fn an_integer_is_taken_and_anything_else_is_not() {
        assert_eq!(from_json::<U64>("7").unwrap(), U64(7));
        assert_eq!(from_json::<I64>("-7").unwrap(), I64(-7));
        for (json, why) in [
            ("-7", "out of range"),
            ("\"-7\"", "not a u64 as a decimal string"),
            ("\"\"", "empty"),
            ("\"18446744073709551616\"", "too large"),
            ("1.5", "a u64 as a decimal string"),
            ("null", "a u64 as a decimal string"),
            ("true", "a u64 as a decimal string"),
        ] {
            let error = from_json::<U64>(json).unwrap_err().to_string();
            assert!(error.contains(why), "{json}: {error}");
        }
    }

    #[test]
    fn it_may_be_a_key() {
        let map = BTreeMap::from([(U64(u64::MAX), true)]);
        let json = to_json(&map).unwrap();
        assert_eq!(json, r#"{"18446744073709551615":true}"#);
        assert_eq!(from_json::<BTreeMap<U64, bool>>(&json).unwrap(), map);
    }
}
