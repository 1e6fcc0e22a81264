//! Writes JSON that can be read again: without numbers that JSON does not have, and without deeper nesting
//! than a reader accepts.
//!
//! serde_json writes NaN and the infinities as `null`, and nests without a limit. Its reader accepts neither.

use std::cell::RefCell;
use std::fmt::Write as _;

use serde::Serialize;
use serde::ser::{self, Error as _, Serializer};

/// The largest number of arrays and objects around one another. serde_json reads as many.
pub(super) const NESTING: usize = 127;

/// Writes a value, or returns an error that names the part that could not be read again.
pub(super) fn write<T, S>(value: &T, serializer: S) -> Result<S::Ok, serde_json::Error>
where
    T: Serialize + ?Sized,
    S: Serializer<Error = serde_json::Error>,
{
    let place = ValuePath::default();
    Part { value, depth: 0, place: &place }.serialize(serializer).map_err(|error| place.with_path(error))
}

/// Returns a value as JSON, or an error that names the part that could not be read again.
///
/// # Errors
/// Fails like [`to_json`](crate::wire::to_json).
#[doc(hidden)]
pub fn strict_json<T: Serialize + ?Sized>(value: &T) -> Result<String, serde_json::Error> {
    let mut json = Vec::with_capacity(128);
    write(value, &mut serde_json::Serializer::new(&mut json))?;
    String::from_utf8(json).map_err(serde_json::Error::custom)
}

/// The path to the part that could not be written, innermost step first. It is filled only when an error
/// occurs.
#[derive(Default)]
struct ValuePath(RefCell<Vec<Step>>);

enum Step {
    Name(String),
    Index(usize),
}

impl ValuePath {
    fn name<E>(&self, name: &str, error: E) -> E {
        self.0.borrow_mut().push(Step::Name(name.to_owned()));
        error
    }

    fn with_path(&self, error: serde_json::Error) -> serde_json::Error {
        let mut path = String::new();
        for step in self.0.borrow().iter().rev() {
            // Writing to a `String` cannot fail.
            let _ = match step {
                Step::Name(name) if path.is_empty() => write!(path, "{name}"),
                Step::Name(name) => write!(path, ".{name}"),
                Step::Index(index) => write!(path, "[{index}]"),
            };
        }
        if path.is_empty() { error } else { serde_json::Error::custom(format_args!("`{path}`: {error}")) }
    }
}

/// A value inside another one.
struct Part<'a, T: ?Sized> {
    value: &'a T,
    depth: usize,
    place: &'a ValuePath,
}

impl<T: Serialize + ?Sized> Serialize for Part<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(Strict { inner: serializer, depth: self.depth, place: self.place })
    }
}

/// A serializer that passes on every value except those that cannot be read again.
struct Strict<'a, S> {
    inner: S,
    /// The number of arrays and objects that are open.
    depth: usize,
    place: &'a ValuePath,
}

impl<'a, S: Serializer> Strict<'a, S> {
    /// Opens `levels` arrays or objects at once.
    fn parts<C>(
        self,
        levels: usize,
        variant: Option<&'static str>,
        open: impl FnOnce(S) -> Result<C, S::Error>,
    ) -> Result<Compound<'a, C>, S::Error> {
        let depth = self.depth + levels;
        check_depth(depth)?;
        Ok(Compound { inner: open(self.inner)?, depth, variant, next: 0, place: self.place })
    }
}

fn check_depth<E: ser::Error>(depth: usize) -> Result<(), E> {
    if depth > NESTING {
        return Err(E::custom(format_args!("nested deeper than {NESTING} levels")));
    }
    Ok(())
}

fn check_number<E: ser::Error>(number: f64) -> Result<(), E> {
    if number.is_finite() { Ok(()) } else { Err(E::custom(format_args!("JSON has no number {number}"))) }
}

macro_rules! hand_on {
    ($($method:ident($ty:ty)),* $(,)?) => {$(
        fn $method(self, value: $ty) -> Result<S::Ok, S::Error> {
            self.inner.$method(value)
        }
    )*};
}

impl<'a, S: Serializer> Serializer for Strict<'a, S> {
    type Ok = S::Ok;
    type Error = S::Error;
    type SerializeSeq = Compound<'a, S::SerializeSeq>;
    type SerializeTuple = Compound<'a, S::SerializeTuple>;
    type SerializeTupleStruct = Compound<'a, S::SerializeTupleStruct>;
    type SerializeTupleVariant = Compound<'a, S::SerializeTupleVariant>;
    type SerializeMap = Compound<'a, S::SerializeMap>;
    type SerializeStruct = Compound<'a, S::SerializeStruct>;
    type SerializeStructVariant = Compound<'a, S::SerializeStructVariant>;

    hand_on!(
        serialize_bool(bool),
        serialize_i8(i8),
        serialize_i16(i16),
        serialize_i32(i32),
        serialize_i64(i64),
        serialize_i128(i128),
        serialize_u8(u8),
        serialize_u16(u16),
        serialize_u32(u32),
        serialize_u64(u64),
        serialize_u128(u128),
        serialize_char(char),
        serialize_str(&str),
        serialize_bytes(&[u8]),
    );

    fn serialize_f32(self, value: f32) -> Result<S::Ok, S::Error> {
        check_number(value.into())?;
        self.inner.serialize_f32(value)
    }

    fn serialize_f64(self, value: f64) -> Result<S::Ok, S::Error> {
        check_number(value)?;
        self.inner.serialize_f64(value)
    }

    fn serialize_none(self) -> Result<S::Ok, S::Error> {
        self.inner.serialize_none()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        let Strict { inner, depth, place } = self;
        inner.serialize_some(&Part { value, depth, place })
    }

    fn serialize_unit(self) -> Result<S::Ok, S::Error> {
        self.inner.serialize_unit()
    }

    fn serialize_unit_struct(self, name: &'static str) -> Result<S::Ok, S::Error> {
        self.inner.serialize_unit_struct(name)
    }

    fn serialize_unit_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
    ) -> Result<S::Ok, S::Error> {
        self.inner.serialize_unit_variant(name, index, variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        let Strict { inner, depth, place } = self;
        inner.serialize_newtype_struct(name, &Part { value, depth, place })
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        let Strict { inner, depth, place } = self;
        let depth = depth + 1;
        check_depth(depth)?;
        inner
            .serialize_newtype_variant(name, index, variant, &Part { value, depth, place })
            .map_err(|error| place.name(variant, error))
    }

    fn serialize_seq(self, len: Option<usize>) -> Result<Self::SerializeSeq, S::Error> {
        self.parts(1, None, |inner| inner.serialize_seq(len))
    }

    fn serialize_tuple(self, len: usize) -> Result<Self::SerializeTuple, S::Error> {
        self.parts(1, None, |inner| inner.serialize_tuple(len))
    }

    fn serialize_tuple_struct(
        self,
        name: &'static str,
        len: usize,
    ) -> Result<Self::SerializeTupleStruct, S::Error> {
        self.parts(1, None, |inner| inner.serialize_tuple_struct(name, len))
    }

    fn serialize_tuple_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Self::SerializeTupleVariant, S::Error> {
        self.parts(2, Some(variant), |inner| inner.serialize_tuple_variant(name, index, variant, len))
    }

    fn serialize_map(self, len: Option<usize>) -> Result<Self::SerializeMap, S::Error> {
        self.parts(1, None, |inner| inner.serialize_map(len))
    }

    fn serialize_struct(self, name: &'static str, len: usize) -> Result<Self::SerializeStruct, S::Error> {
        self.parts(1, None, |inner| inner.serialize_struct(name, len))
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Self::SerializeStructVariant, S::Error> {
        self.parts(2, Some(variant), |inner| inner.serialize_struct_variant(name, index, variant, len))
    }

    fn collect_str<T: std::fmt::Display + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        self.inner.collect_str(value)
    }

    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }
}

/// The items, entries or fields of a value.
struct Compound<'a, C> {
    inner: C,
    depth: usize,
    /// The enum variant that the items belong to.
    variant: Option<&'static str>,
    /// The position of the next item.
    next: usize,
    place: &'a ValuePath,
}

impl<C> Compound<'_, C> {
    /// Records the position of an error.
    fn failed<E>(&self, step: Step, error: E) -> E {
        self.place.0.borrow_mut().push(step);
        match self.variant {
            Some(variant) => self.place.name(variant, error),
            None => error,
        }
    }
}

macro_rules! items {
    ($($trait:ident :: $method:ident),* $(,)?) => {$(
        impl<C: ser::$trait> ser::$trait for Compound<'_, C> {
            type Ok = C::Ok;
            type Error = C::Error;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), C::Error> {
                let part = Part { value, depth: self.depth, place: self.place };
                self.inner.$method(&part).map_err(|error| self.failed(Step::Index(self.next), error))?;
                self.next += 1;
                Ok(())
            }

            fn end(self) -> Result<C::Ok, C::Error> {
                self.inner.end()
            }
        }
    )*};
}

items!(
    SerializeSeq::serialize_element,
    SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field,
    SerializeTupleVariant::serialize_field,
);

macro_rules! fields {
    ($($trait:ident),* $(,)?) => {$(
        impl<C: ser::$trait> ser::$trait for Compound<'_, C> {
            type Ok = C::Ok;
            type Error = C::Error;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                key: &'static str,
                value: &T,
            ) -> Result<(), C::Error> {
                let part = Part { value, depth: self.depth, place: self.place };
                self.inner.serialize_field(key, &part).map_err(|error| self.failed(Step::Name(key.to_owned()), error))
            }

            fn skip_field(&mut self, key: &'static str) -> Result<(), C::Error> {
                self.inner.skip_field(key)
            }

            fn end(self) -> Result<C::Ok, C::Error> {
                self.inner.end()
            }
        }
    )*};
}

fields!(SerializeStruct, SerializeStructVariant);

impl<C: ser::SerializeMap> ser::SerializeMap for Compound<'_, C> {
    type Ok = C::Ok;
    type Error = C::Error;

    // serde_json itself refuses a key that is not a valid JSON number.
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), C::Error> {
        self.inner.serialize_key(key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), C::Error> {
        let part = Part { value, depth: self.depth, place: self.place };
        self.inner.serialize_value(&part)
    }

    fn serialize_entry<K: Serialize + ?Sized, V: Serialize + ?Sized>(
        &mut self,
        key: &K,
        value: &V,
    ) -> Result<(), C::Error> {
        let part = Part { value, depth: self.depth, place: self.place };
        self.inner.serialize_entry(key, &part).map_err(|error| self.failed(Step::Name(text(key)), error))
    }

    fn end(self) -> Result<C::Ok, C::Error> {
        self.inner.end()
    }
}

/// Returns a key as it appears in a path.
fn text(key: &(impl Serialize + ?Sized)) -> String {
    let text = serde_json::to_string(key).unwrap_or_default();
    text.trim_matches('"').to_owned()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::Value;

    use crate::wire::{Wire, from_json, from_value, to_json, to_value};

    #[derive(serde::Serialize, serde::Deserialize)]
    enum Shape {
        Circle(f64),
        Box { sides: (f32, f32) },
    }

    #[derive(serde::Serialize, serde::Deserialize)]
    struct Drawing {
        shapes: Vec<Shape>,
        best: Option<f64>,
        #[serde(flatten)]
        more: BTreeMap<String, f64>,
    }

    impl Wire for Drawing {
        type Shape = Value;

        fn wire_serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serde::Serialize::serialize(self, serializer)
        }
        fn wire_deserialize<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            serde::Deserialize::deserialize(deserializer)
        }
    }

    fn drawing(shapes: Vec<Shape>, best: Option<f64>, more: f64) -> Drawing {
        Drawing { shapes, best, more: BTreeMap::from([("area".to_owned(), more)]) }
    }

    /// Checks that both writers return the same error.
    fn refused<T: Wire>(value: &T, says: &str) {
        for error in [to_json(value).unwrap_err(), to_value(value).unwrap_err()] {
            assert_eq!(error.to_string(), says);
        }
    }

    #[test]
    fn numbers_that_json_lacks_are_refused_with_their_place() {
        let nan = f64::NAN;
        refused(&nan, "JSON has no number NaN");
        refused(&f32::NEG_INFINITY, "JSON has no number -inf");
        refused(&Some(f64::INFINITY), "JSON has no number inf");
        refused(&vec![(1.0, vec![0.5, nan])], "`[0][1][1]`: JSON has no number NaN");
        refused(&BTreeMap::from([(7_u8, nan)]), "`7`: JSON has no number NaN");
        let circle = vec![Shape::Circle(1.0), Shape::Circle(nan)];
        refused(&drawing(circle, None, 0.0), "`shapes[1].Circle`: JSON has no number NaN");
        let sides = vec![Shape::Box { sides: (0.0, f32::NAN) }];
        refused(&drawing(sides, None, 0.0), "`shapes[0].Box.sides[1]`: JSON has no number NaN");
        refused(&drawing(Vec::new(), Some(nan), 0.0), "`best`: JSON has no number NaN");
        refused(&drawing(Vec::new(), None, nan), "`area`: JSON has no number NaN");
        assert_eq!(
            to_json(&drawing(vec![Shape::Circle(1.0)], None, -0.0)).unwrap(),
            r#"{"shapes":[{"Circle":1.0}],"best":null,"area":-0.0}"#
        );
    }

    #[test]
    fn a_key_without_a_text_is_refused_with_its_place() {
        let error = to_json(&vec![BTreeMap::from([(vec![1_u8], 1_u8)])]).unwrap_err().to_string();
        assert_eq!(error, "`[0].[1]`: key must be a string");
    }

    #[test]
    fn what_is_written_is_as_deep_as_what_is_read_and_no_deeper() {
        fn nested(levels: usize) -> Value {
            (0..levels).fold(Value::Null, |inner, level| match level % 2 {
                0 => Value::Array(vec![inner]),
                _ => serde_json::json!({ "in": inner }),
            })
        }
        let deepest = nested(super::NESTING);
        let json = to_json(&deepest).unwrap();
        assert_eq!(from_json::<Value>(&json).unwrap(), deepest);
        assert_eq!(from_value::<Value>(to_value(&deepest).unwrap()).unwrap(), deepest);
        let too_deep = nested(super::NESTING + 1);
        let json = serde_json::to_string(&too_deep).unwrap();
        from_json::<Value>(&json).unwrap_err();
        for error in [to_json(&too_deep).unwrap_err(), to_value(&too_deep).unwrap_err()] {
            let error = error.to_string();
            assert!(error.ends_with("nested deeper than 127 levels"), "{error}");
        }
    }

    #[test]
    fn floats_and_the_order_of_keys_come_back() {
        for bits in (0..3000_u64).map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15)) {
            let number = f64::from_bits(bits);
            if number.is_finite() {
                let json = to_json(&number).unwrap();
                assert_eq!(from_json::<f64>(&json).unwrap().to_bits(), number.to_bits(), "{json}");
            }
        }
        let json = r#"{"z":1,"a":{"y":2,"b":3},"m":4}"#;
        assert_eq!(to_json(&from_json::<Value>(json).unwrap()).unwrap(), json);
        assert_eq!(to_value(&from_json::<Value>(json).unwrap()).unwrap().to_string(), json);
    }
}
