//! Values that travel as JSON.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::hash::{BuildHasher, Hash};
use std::rc::Rc;
use std::sync::Arc;

use serde::de::{Deserialize, Deserializer, Error as _};
use serde::ser::{Serialize, SerializeTuple, Serializer};
use serde_json::Value;

use crate::wire::{KeyFacts, TypeName, TypeSet};
use crate::wire::{Shape, encode, surrogate};

/// A value that can travel between an agent and its clients.
///
/// Put `#[wire]` on your own types. Scalars, `String`, `Option`, `Vec`, arrays, maps, sets, tuples and
/// `serde_json::Value` are wire types already. Types of `chrono`, `jiff`, `url` and `uuid` are wire types
/// with the feature of that name. [`Duration`](crate::wire::Duration) and [`U64`](crate::wire::U64) replace
/// types whose own JSON is inconvenient.
///
/// The trait has no supertraits, so that a type that does not implement it causes one error and not one for
/// each trait below.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot travel: it is not a wire type",
    label = "not a wire type",
    note = "put `#[wire]` on your own struct or enum; arguments and results are owned values",
    note = "scalars, String, Option, Vec, maps, tuples and serde_json::Value are wire types already",
    note = "a span of time is `agents::wire::Duration`; a moment is a number of milliseconds, or a type of `chrono` or `jiff` with the feature of that name"
)]
pub trait Wire: Sized {
    /// `true` if the type has no value, so that a reply omits the key `result`.
    const IS_UNIT: bool = false;

    /// The type that describes this one in TypeScript: `Self` for a type with `#[wire]`, otherwise a type
    /// with the same JSON.
    type Shape: Shape;

    /// Writes the value.
    ///
    /// # Errors
    /// Fails with the error of the serializer.
    fn wire_serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error>;

    /// Reads a value.
    ///
    /// # Errors
    /// Fails when the input is not of this type.
    fn wire_deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error>;

    /// Returns the TypeScript form of the type.
    #[doc(hidden)]
    fn describe(types: &mut TypeSet) -> TypeName {
        TypeName::of::<Self>(types)
    }

    /// Records how the type treats unknown keys.
    #[doc(hidden)]
    fn key_facts(facts: &mut KeyFacts) {
        let _ = facts;
    }

    /// Returns the value as JSON.
    #[doc(hidden)]
    fn to_json(&self) -> Result<String, serde_json::Error> {
        to_json(self)
    }

    /// Reads a value from JSON.
    #[doc(hidden)]
    fn from_json(json: &str) -> Result<Self, serde_json::Error> {
        from_json(json)
    }
}

/// A value that `broadcast` and `send` turn into one JSON text frame.
///
/// Implemented for `#[wire]` types, `serde_json::Value`, lists and maps. Not implemented for text: a string
/// is sent unchanged.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be sent as a JSON message",
    label = "not a JSON message",
    note = "put `#[wire]` on your own struct or enum, or use `json!({{ .. }})`"
)]
pub trait JsonMessage: Wire {}

/// A wrapper that serialises its value through [`Wire`].
pub(crate) struct Ser<'a, T>(pub(crate) &'a T);

impl<T: Wire> Serialize for Ser<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.wire_serialize(serializer)
    }
}

/// A wrapper that deserialises its value through [`Wire`].
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[doc(hidden)]
pub struct De<T>(pub T);

impl<'de, T: Wire> Deserialize<'de> for De<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::wire_deserialize(deserializer).map(De)
    }
}

/// Returns a wire value as compact JSON.
///
/// ```
/// assert_eq!(agents_protocol::wire::to_json(&vec![1, 2]).unwrap(), "[1,2]");
/// ```
///
/// # Errors
/// Fails when the value has no JSON form that can be read again: a map whose keys are not scalars, NaN or an
/// infinity, or more than 127 arrays and objects around one another. The error names the part of the value.
pub fn to_json<T: Wire>(value: &T) -> Result<String, serde_json::Error> {
    encode::strict_json(&Ser(value))
}

/// Reads a wire value from JSON.
///
/// A lone surrogate in a string, which JavaScript can write and Rust cannot hold, is read as U+FFFD.
///
/// ```
/// use agents_protocol::wire::from_json;
///
/// assert_eq!(from_json::<Vec<u8>>("[1,2]").unwrap(), [1, 2]);
/// assert_eq!(from_json::<String>(r#""a\ud800""#).unwrap(), "a\u{fffd}");
/// ```
///
/// # Errors
/// Fails when the text is not JSON, or not a value of this type.
pub fn from_json<T: Wire>(json: &str) -> Result<T, serde_json::Error> {
    let read = |json: &str| serde_json::from_str::<De<T>>(json).map(|de| de.0);
    // Lone surrogates are searched only in a text that could not be read, so that other texts are read once.
    read(json).or_else(|error| surrogate::replaced(json).map_or(Err(error), |json| read(&json)))
}

/// Converts a wire value into a JSON value.
///
/// # Errors
/// Fails like [`to_json`].
pub fn to_value<T: Wire>(value: &T) -> Result<Value, serde_json::Error> {
    encode::write(&Ser(value), serde_json::value::Serializer)
}

/// Converts a JSON value into a wire value.
///
/// # Errors
/// Fails like [`from_json`].
pub fn from_value<T: Wire>(value: Value) -> Result<T, serde_json::Error> {
    serde_json::from_value::<De<T>>(value).map(|de| de.0)
}

macro_rules! through_serde {
    ($($ty:ty),* $(,)?) => {$(
        impl Wire for $ty {
            type Shape = Self;

            fn wire_serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                Serialize::serialize(self, serializer)
            }
            fn wire_deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Deserialize::deserialize(deserializer)
            }
        }
    )*};
}

through_serde!(
    bool, char, u8, u16, u32, u64, u128, usize, i8, i16, i32, i64, i128, isize, f32, f64, String,
    bytes::Bytes, Box<str>, Value, serde_json::Map<String, Value>, serde_json::Number,
);

impl JsonMessage for Value {}
impl JsonMessage for serde_json::Map<String, Value> {}

impl Wire for () {
    const IS_UNIT: bool = true;

    type Shape = Self;

    fn wire_serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_unit()
    }

    fn wire_deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Deserialize::deserialize(deserializer)
    }
}

impl Wire for Cow<'static, str> {
    type Shape = String;

    fn wire_serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }

    fn wire_deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Cow::Owned)
    }
}

impl<T: Wire> Wire for Option<T> {
    type Shape = Option<T::Shape>;

    fn key_facts(facts: &mut KeyFacts) {
        T::key_facts(facts);
    }

    fn wire_serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Some(value) => serializer.serialize_some(&Ser(value)),
            None => serializer.serialize_none(),
        }
    }

    fn wire_deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::<De<T>>::deserialize(deserializer).map(|value| value.map(|de| de.0))
    }
}

macro_rules! pointers {
    ($($pointer:ident),*) => {$(
        impl<T: Wire> Wire for $pointer<T> {
            type Shape = T::Shape;

            fn key_facts(facts: &mut KeyFacts) {
                T::key_facts(facts);
            }

            fn wire_serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                (**self).wire_serialize(serializer)
            }
            fn wire_deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                T::wire_deserialize(deserializer).map($pointer::new)
            }
        }
        impl<T: JsonMessage> JsonMessage for $pointer<T> {}
    )*};
}

pointers!(Box, Rc, Arc);

macro_rules! sequences {
    ($($collection:ident < T $(: $bound:path $(, $more:path)*)? >),* $(,)?) => {$(
        impl<T: Wire $(+ $bound $(+ $more)*)?> Wire for $collection<T> {
            type Shape = Vec<T::Shape>;

            fn key_facts(facts: &mut KeyFacts) {
                T::key_facts(facts);
            }

            fn wire_serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_seq(self.iter().map(Ser))
            }
            fn wire_deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $collection::<De<T>>::deserialize(deserializer)
                    .map(|items| items.into_iter().map(|de| de.0).collect())
            }
        }
        impl<T: Wire $(+ $bound $(+ $more)*)?> JsonMessage for $collection<T> {}
    )*};
}

sequences!(Vec<T>, VecDeque<T>, BTreeSet<T: Ord>, HashSet<T: Hash, Eq>);

impl<T: Wire, const N: usize> Wire for [T; N] {
    type Shape = [T::Shape; N];

    fn key_facts(facts: &mut KeyFacts) {
        T::key_facts(facts);
    }

    fn wire_serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter().map(Ser))
    }

    fn wire_deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let items = Vec::<T>::wire_deserialize(deserializer)?;
        let found = items.len();
        items.try_into().map_err(|_| D::Error::custom(format!("expected {N} items, got {found}")))
    }
}

impl<T: Wire, const N: usize> JsonMessage for [T; N] {}

impl<K: Wire + Ord, V: Wire> Wire for BTreeMap<K, V> {
    type Shape = HashMap<K::Shape, V::Shape>;

    fn key_facts(facts: &mut KeyFacts) {
        V::key_facts(facts);
    }

    fn wire_serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter().map(|(key, value)| (Ser(key), Ser(value))))
    }

    fn wire_deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        BTreeMap::<De<K>, De<V>>::deserialize(deserializer)
            .map(|map| map.into_iter().map(|(key, value)| (key.0, value.0)).collect())
    }
}

impl<K: Wire + Ord, V: Wire> JsonMessage for BTreeMap<K, V> {}

impl<K: Wire + Eq + Hash, V: Wire, H: BuildHasher + Default> Wire for HashMap<K, V, H> {
    type Shape = HashMap<K::Shape, V::Shape>;

    fn key_facts(facts: &mut KeyFacts) {
        V::key_facts(facts);
    }

    fn wire_serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter().map(|(key, value)| (Ser(key), Ser(value))))
    }

    fn wire_deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        HashMap::<De<K>, De<V>>::deserialize(deserializer)
            .map(|map| map.into_iter().map(|(key, value)| (key.0, value.0)).collect())
    }
}

impl<K: Wire + Eq + Hash, V: Wire, H: BuildHasher + Default> JsonMessage for HashMap<K, V, H> {}

macro_rules! tuples {
    ($(($($name:ident . $index:tt),+ ; $count:literal)),* $(,)?) => {$(
        impl<$($name: Wire),+> Wire for ($($name,)+) {
            type Shape = ($($name::Shape,)+);

            fn key_facts(facts: &mut KeyFacts) {
                $($name::key_facts(facts);)+
            }

            fn wire_serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let mut tuple = serializer.serialize_tuple($count)?;
                $(tuple.serialize_element(&Ser(&self.$index))?;)+
                tuple.end()
            }
            fn wire_deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let parts = <($(De<$name>,)+)>::deserialize(deserializer)?;
                Ok(($(parts.$index.0,)+))
            }
        }
        impl<$($name: Wire),+> JsonMessage for ($($name,)+) {}
    )*};
}

tuples!(
    (A.0; 1),
    (A.0, B.1; 2),
    (A.0, B.1, C.2; 3),
    (A.0, B.1, C.2, D0.3; 4),
    (A.0, B.1, C.2, D0.3, E.4; 5),
    (A.0, B.1, C.2, D0.3, E.4, F.5; 6),
    (A.0, B.1, C.2, D0.3, E.4, F.5, G.6; 7),
    (A.0, B.1, C.2, D0.3, E.4, F.5, G.6, H.7; 8),
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn containers_look_like_they_do_in_serde() {
        let value = (vec![Some(1_u8), None], BTreeMap::from([(1_u32, "one".to_owned())]), [true, false]);
        let json = to_json(&value).unwrap();
        assert_eq!(json, r#"[[1,null],{"1":"one"},[true,false]]"#);
        let back: (Vec<Option<u8>>, BTreeMap<u32, String>, [bool; 2]) = from_json(&json).unwrap();
        assert_eq!(back, value);
    }

    #[test]
    fn wrong_length_of_an_array_is_told() {
        let error = from_json::<[u8; 2]>("[1]").unwrap_err();
        assert!(error.to_string().contains("expected 2 items, got 1"), "{error}");
    }
}
