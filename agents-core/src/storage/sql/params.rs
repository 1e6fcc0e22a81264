//! The parameters of a statement.

use super::{Column, ToColumn};
use crate::Result;

/// The parameters of a statement: `()`, a tuple of up to 16 values, or values of one type in an
/// array, a slice or a `Vec`.
///
/// ```
/// use agents_core::storage::sql::{Column, Params};
///
/// let columns = ("alice", 3).into_columns().unwrap();
/// assert_eq!(columns, [Column::Text("alice".to_owned()), Column::Integer(3)]);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the parameters of a statement",
    label = "not a list of parameters",
    note = "write `()`, a tuple as in `(id,)` or `(id, name)`, or an array of values of one type"
)]
pub trait Params {
    /// Converts the parameters into columns, in the order of `?1`, `?2` …
    ///
    /// # Errors
    /// Fails when a value cannot be stored in a column.
    fn into_columns(self) -> Result<Vec<Column>>;
}

impl Params for () {
    fn into_columns(self) -> Result<Vec<Column>> {
        Ok(Vec::new())
    }
}

impl<T: ToColumn, const N: usize> Params for [T; N] {
    fn into_columns(self) -> Result<Vec<Column>> {
        self.as_slice().into_columns()
    }
}

impl<T: ToColumn, const N: usize> Params for &[T; N] {
    fn into_columns(self) -> Result<Vec<Column>> {
        self.as_slice().into_columns()
    }
}

impl<T: ToColumn> Params for &[T] {
    fn into_columns(self) -> Result<Vec<Column>> {
        self.iter().map(ToColumn::to_column).collect()
    }
}

impl<T: ToColumn> Params for Vec<T> {
    fn into_columns(self) -> Result<Vec<Column>> {
        self.as_slice().into_columns()
    }
}

macro_rules! tuples {
    ($(($($name:ident . $index:tt),+)),+ $(,)?) => {$(
        impl<$($name: ToColumn),+> Params for ($($name,)+) {
            fn into_columns(self) -> Result<Vec<Column>> {
                Ok(vec![$(self.$index.to_column()?),+])
            }
        }
    )+};
}

tuples!(
    (A.0),
    (A.0, B.1),
    (A.0, B.1, C.2),
    (A.0, B.1, C.2, D.3),
    (A.0, B.1, C.2, D.3, E.4),
    (A.0, B.1, C.2, D.3, E.4, F.5),
    (A.0, B.1, C.2, D.3, E.4, F.5, G.6),
    (A.0, B.1, C.2, D.3, E.4, F.5, G.6, H.7),
    (A.0, B.1, C.2, D.3, E.4, F.5, G.6, H.7, I.8),
    (A.0, B.1, C.2, D.3, E.4, F.5, G.6, H.7, I.8, J.9),
    (A.0, B.1, C.2, D.3, E.4, F.5, G.6, H.7, I.8, J.9, K.10),
    (A.0, B.1, C.2, D.3, E.4, F.5, G.6, H.7, I.8, J.9, K.10, L.11),
    (A.0, B.1, C.2, D.3, E.4, F.5, G.6, H.7, I.8, J.9, K.10, L.11, M.12),
    (A.0, B.1, C.2, D.3, E.4, F.5, G.6, H.7, I.8, J.9, K.10, L.11, M.12, N.13),
    (A.0, B.1, C.2, D.3, E.4, F.5, G.6, H.7, I.8, J.9, K.10, L.11, M.12, N.13, O.14),
    (A.0, B.1, C.2, D.3, E.4, F.5, G.6, H.7, I.8, J.9, K.10, L.11, M.12, N.13, O.14, P.15),
);
