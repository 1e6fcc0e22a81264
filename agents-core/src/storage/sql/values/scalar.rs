//! The scalars of Rust as columns, and as rows of one column.

use std::borrow::Cow;
use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;

use crate::Result;
use crate::storage::StorageError;
use crate::storage::sql::{Column, ColumnRef, FromColumn, FromRow, Row, ToColumn, row_as_column};

fn mismatch<T>(expected: &str, found: ColumnRef<'_>) -> Result<T> {
    Err(StorageError::column(format!("expected {expected}, got {}", found.type_name())).into_error())
}

macro_rules! integers {
    ($($ty:ident),*) => {$(
        impl FromColumn for $ty {
            fn from_column(value: ColumnRef<'_>) -> Result<Self> {
                match value {
                    ColumnRef::Integer(value) => Self::try_from(value).map_err(|_| {
                        StorageError::column(concat!("expected ", stringify!($ty), ", got an integer out of its range"))
                            .into_error()
                    }),
                    other => mismatch(concat!("an integer (", stringify!($ty), ")"), other),
                }
            }
        }

        impl ToColumn for $ty {
            fn to_column(&self) -> Result<Column> {
                i64::try_from(*self).map(Column::Integer).map_err(|_| {
                    StorageError::value(concat!("a ", stringify!($ty), " that is greater than i64::MAX or less than i64::MIN"))
                        .into_error()
                })
            }
        }
    )*};
}

integers!(i8, i16, i32, i64, i128, isize, u8, u16, u32, u64, u128, usize);

impl FromColumn for f64 {
    fn from_column(value: ColumnRef<'_>) -> Result<Self> {
        match value {
            ColumnRef::Real(value) => Ok(value),
            // SQLite stores whole numbers as integers in some cases, so an integer is accepted as a float.
            ColumnRef::Integer(value) => Ok(value as Self),
            other => mismatch("a number", other),
        }
    }
}

impl ToColumn for f64 {
    fn to_column(&self) -> Result<Column> {
        if self.is_nan() {
            // SQLite would store NULL without an error.
            return Err(StorageError::value("a number that is not a number (NaN)").into_error());
        }
        Ok(Column::Real(*self))
    }
}

impl FromColumn for f32 {
    fn from_column(value: ColumnRef<'_>) -> Result<Self> {
        f64::from_column(value).map(|value| value as Self)
    }
}

impl ToColumn for f32 {
    fn to_column(&self) -> Result<Column> {
        f64::from(*self).to_column()
    }
}

impl FromColumn for bool {
    fn from_column(value: ColumnRef<'_>) -> Result<Self> {
        match value {
            ColumnRef::Integer(0) => Ok(false),
            ColumnRef::Integer(1) => Ok(true),
            ColumnRef::Integer(_) => {
                Err(StorageError::column("expected a boolean, 0 or 1, got another integer").into_error())
            }
            other => mismatch("a boolean, 0 or 1", other),
        }
    }
}

impl ToColumn for bool {
    fn to_column(&self) -> Result<Column> {
        Ok(Column::Integer(i64::from(*self)))
    }
}

impl FromColumn for char {
    fn from_column(value: ColumnRef<'_>) -> Result<Self> {
        if let ColumnRef::Text(text) = value {
            let mut letters = text.chars();
            if let (Some(letter), None) = (letters.next(), letters.next()) {
                return Ok(letter);
            }
        }
        mismatch("text of one character", value)
    }
}

impl ToColumn for char {
    fn to_column(&self) -> Result<Column> {
        Ok(Column::Text(self.to_string()))
    }
}

impl FromColumn for String {
    fn from_column(value: ColumnRef<'_>) -> Result<Self> {
        match value {
            ColumnRef::Text(text) => Ok(text.to_owned()),
            other => mismatch("text", other),
        }
    }
}

impl FromColumn for Box<str> {
    fn from_column(value: ColumnRef<'_>) -> Result<Self> {
        String::from_column(value).map(Self::from)
    }
}

impl ToColumn for str {
    fn to_column(&self) -> Result<Column> {
        Ok(Column::Text(self.to_owned()))
    }
}

impl ToColumn for String {
    fn to_column(&self) -> Result<Column> {
        self.as_str().to_column()
    }
}

impl FromColumn for Vec<u8> {
    fn from_column(value: ColumnRef<'_>) -> Result<Self> {
        match value {
            ColumnRef::Blob(bytes) => Ok(bytes.to_owned()),
            other => mismatch("bytes (BLOB)", other),
        }
    }
}

impl FromColumn for Bytes {
    fn from_column(value: ColumnRef<'_>) -> Result<Self> {
        Vec::from_column(value).map(Self::from)
    }
}

impl ToColumn for [u8] {
    fn to_column(&self) -> Result<Column> {
        Ok(Column::Blob(self.to_owned()))
    }
}

impl<const N: usize> ToColumn for [u8; N] {
    fn to_column(&self) -> Result<Column> {
        self.as_slice().to_column()
    }
}

impl ToColumn for Vec<u8> {
    fn to_column(&self) -> Result<Column> {
        self.as_slice().to_column()
    }
}

impl ToColumn for Bytes {
    fn to_column(&self) -> Result<Column> {
        (**self).to_column()
    }
}

impl ToColumn for () {
    fn to_column(&self) -> Result<Column> {
        Ok(Column::Null)
    }
}

impl<T: FromColumn> FromColumn for Option<T> {
    fn from_column(value: ColumnRef<'_>) -> Result<Self> {
        match value {
            ColumnRef::Null => Ok(None),
            value => T::from_column(value).map(Some),
        }
    }
}

impl<T: ToColumn> ToColumn for Option<T> {
    fn to_column(&self) -> Result<Column> {
        self.as_ref().map_or(Ok(Column::Null), ToColumn::to_column)
    }
}

macro_rules! pointers {
    ($($pointer:ty),*) => {$(
        impl<T: ToColumn + ?Sized> ToColumn for $pointer {
            fn to_column(&self) -> Result<Column> {
                (**self).to_column()
            }
        }
    )*};
}

pointers!(&T, &mut T, Box<T>, Rc<T>, Arc<T>);

impl<T: ToColumn + ToOwned + ?Sized> ToColumn for Cow<'_, T> {
    fn to_column(&self) -> Result<Column> {
        (**self).to_column()
    }
}

macro_rules! rows_of_one_column {
    ($($ty:ty),*) => {$(
        impl FromRow for $ty {
            fn from_row(row: &Row<'_>) -> Result<Self> {
                row_as_column(row)
            }
        }
    )*};
}

rows_of_one_column!(
    i8,
    i16,
    i32,
    i64,
    i128,
    isize,
    u8,
    u16,
    u32,
    u64,
    u128,
    usize,
    f32,
    f64,
    bool,
    char,
    String,
    Box<str>,
    Bytes,
    serde_json::Value
);

macro_rules! tuples {
    ($(($count:literal; $($name:ident . $index:tt),+)),+ $(,)?) => {$(
        impl<$($name: FromColumn),+> FromRow for ($($name,)+) {
            fn from_row(row: &Row<'_>) -> Result<Self> {
                row.expect_columns($count)?;
                Ok(($(row.get::<$name>($index)?,)+))
            }
        }
    )+};
}

tuples!(
    (1; A.0),
    (2; A.0, B.1),
    (3; A.0, B.1, C.2),
    (4; A.0, B.1, C.2, D.3),
    (5; A.0, B.1, C.2, D.3, E.4),
    (6; A.0, B.1, C.2, D.3, E.4, F.5),
    (7; A.0, B.1, C.2, D.3, E.4, F.5, G.6),
    (8; A.0, B.1, C.2, D.3, E.4, F.5, G.6, H.7),
    (9; A.0, B.1, C.2, D.3, E.4, F.5, G.6, H.7, I.8),
    (10; A.0, B.1, C.2, D.3, E.4, F.5, G.6, H.7, I.8, J.9),
    (11; A.0, B.1, C.2, D.3, E.4, F.5, G.6, H.7, I.8, J.9, K.10),
    (12; A.0, B.1, C.2, D.3, E.4, F.5, G.6, H.7, I.8, J.9, K.10, L.11),
);
