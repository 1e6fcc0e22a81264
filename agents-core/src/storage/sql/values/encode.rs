//! Writes one column through serde.

use std::fmt;

use serde::ser::{Impossible, Serialize, Serializer};

use crate::storage::StorageError;
use crate::storage::sql::Column;

/// A serializer that converts a scalar into a column and returns [`NotScalar::Compound`] for every other
/// value.
pub(in crate::storage::sql) struct Scalar;

/// The reason why a value is not a scalar.
#[derive(Debug)]
pub(in crate::storage::sql) enum NotScalar {
    /// The value has parts, so it becomes JSON text.
    Compound,
    /// The value cannot be stored.
    Error(String),
}

impl fmt::Display for NotScalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Compound => f.write_str("a value with parts"),
            Self::Error(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for NotScalar {}

impl serde::ser::Error for NotScalar {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::Error(message.to_string())
    }
}

type Compound = Impossible<Column, NotScalar>;

macro_rules! scalars {
    ($($method:ident($ty:ty)),* $(,)?) => {$(
        fn $method(self, value: $ty) -> Result<Column, NotScalar> {
            crate::storage::sql::ToColumn::to_column(&value).map_err(|error| match error.downcast_ref() {
                Some(StorageError::Value { message }) => NotScalar::Error(message.clone()),
                _ => NotScalar::Error(error.to_string()),
            })
        }
    )*};
}

impl Serializer for Scalar {
    type Ok = Column;
    type Error = NotScalar;
    type SerializeSeq = Compound;
    type SerializeTuple = Compound;
    type SerializeTupleStruct = Compound;
    type SerializeTupleVariant = Compound;
    type SerializeMap = Compound;
    type SerializeStruct = Compound;
    type SerializeStructVariant = Compound;

    scalars!(
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
        serialize_f32(f32),
        serialize_f64(f64),
        serialize_char(char),
        serialize_str(&str),
        serialize_bytes(&[u8]),
    );

    fn serialize_none(self) -> Result<Column, NotScalar> {
        Ok(Column::Null)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Column, NotScalar> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<Column, NotScalar> {
        Ok(Column::Null)
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<Column, NotScalar> {
        Ok(Column::Null)
    }

    fn serialize_unit_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
    ) -> Result<Column, NotScalar> {
        Ok(Column::Text(variant.to_owned()))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        value: &T,
    ) -> Result<Column, NotScalar> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        _variant: &'static str,
        _value: &T,
    ) -> Result<Column, NotScalar> {
        Err(NotScalar::Compound)
    }

    fn serialize_seq(self, _len: Option<usize>) -> Result<Compound, NotScalar> {
        Err(NotScalar::Compound)
    }

    fn serialize_tuple(self, _len: usize) -> Result<Compound, NotScalar> {
        Err(NotScalar::Compound)
    }

    fn serialize_tuple_struct(self, _name: &'static str, _len: usize) -> Result<Compound, NotScalar> {
        Err(NotScalar::Compound)
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        _variant: &'static str,
        _len: usize,
    ) -> Result<Compound, NotScalar> {
        Err(NotScalar::Compound)
    }

    fn serialize_map(self, _len: Option<usize>) -> Result<Compound, NotScalar> {
        Err(NotScalar::Compound)
    }

    fn serialize_struct(self, _name: &'static str, _len: usize) -> Result<Compound, NotScalar> {
        Err(NotScalar::Compound)
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        _variant: &'static str,
        _len: usize,
    ) -> Result<Compound, NotScalar> {
        Err(NotScalar::Compound)
    }
}
