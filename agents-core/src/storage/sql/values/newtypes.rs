//! Column conversions of the wire types that are scalars: exact integers, spans of time, types of other
//! crates.

use crate::error::Result;
use crate::storage::sql::{
    Column, ColumnRef, FromColumn, FromRow, Row, ToColumn, column_as_wire, row_as_column, wire_as_column,
};
use crate::wire::{Duration, I64, I128, U64, U128};

macro_rules! read {
    ($ty:ty) => {
        impl FromColumn for $ty {
            fn from_column(value: ColumnRef<'_>) -> Result<Self> {
                column_as_wire(value)
            }
        }

        impl FromRow for $ty {
            fn from_row(row: &Row<'_>) -> Result<Self> {
                row_as_column(row)
            }
        }
    };
}

macro_rules! integers {
    ($($ty:ty),*) => {$(
        read!($ty);

        // As text, the values would not sort in their order.
        impl ToColumn for $ty {
            fn to_column(&self) -> Result<Column> {
                self.0.to_column()
            }
        }
    )*};
}

integers!(I64, U64, I128, U128);

macro_rules! as_wire {
    ($($(#[$feature:meta])? $ty:ty),* $(,)?) => {$(
        $(#[$feature])?
        const _: () = {
            read!($ty);

            impl ToColumn for $ty {
                fn to_column(&self) -> Result<Column> {
                    wire_as_column(self)
                }
            }
        };
    )*};
}

as_wire!(
    Duration,
    #[cfg(feature = "chrono")]
    chrono::DateTime<chrono::Utc>,
    #[cfg(feature = "chrono")]
    chrono::DateTime<chrono::FixedOffset>,
    #[cfg(feature = "chrono")]
    chrono::DateTime<chrono::Local>,
    #[cfg(feature = "chrono")]
    chrono::NaiveDate,
    #[cfg(feature = "chrono")]
    chrono::NaiveDateTime,
    #[cfg(feature = "chrono")]
    chrono::NaiveTime,
    #[cfg(feature = "chrono")]
    chrono::Month,
    #[cfg(feature = "chrono")]
    chrono::Weekday,
    #[cfg(feature = "jiff")]
    jiff::Timestamp,
    #[cfg(feature = "jiff")]
    jiff::Zoned,
    #[cfg(feature = "jiff")]
    jiff::Span,
    #[cfg(feature = "jiff")]
    jiff::civil::Date,
    #[cfg(feature = "jiff")]
    jiff::civil::DateTime,
    #[cfg(feature = "jiff")]
    jiff::civil::Time,
    #[cfg(feature = "url")]
    url::Url,
    #[cfg(feature = "uuid")]
    uuid::Uuid,
);

#[cfg(test)]
mod tests {
    use std::time;

    use super::*;

    #[test]
    fn exact_integers_are_integers() {
        assert_eq!(U64(7).to_column().unwrap(), Column::Integer(7));
        assert_eq!(I64(i64::MIN).to_column().unwrap(), Column::Integer(i64::MIN));
        assert_eq!(U64::from_column(ColumnRef::Integer(7)).unwrap(), U64(7));
        let text = u64::MAX.to_string();
        assert_eq!(U64::from_column(ColumnRef::Text(&text)).unwrap(), U64(u64::MAX));
        U64(u64::MAX).to_column().unwrap_err();
        U64::from_column(ColumnRef::Integer(-1)).unwrap_err();
        U64::from_column(ColumnRef::Null).unwrap_err();
    }

    #[test]
    fn spans_of_time_are_numbers() {
        let second = Duration(time::Duration::from_secs(1));
        assert_eq!(second.to_column().unwrap(), Column::Integer(1000));
        let short = Duration(time::Duration::from_micros(500));
        assert_eq!(short.to_column().unwrap(), Column::Real(0.5));
        assert_eq!(Duration::from_column(ColumnRef::Integer(1000)).unwrap(), second);
        assert_eq!(Duration::from_column(ColumnRef::Real(0.5)).unwrap(), short);
        Duration::from_column(ColumnRef::Integer(-1)).unwrap_err();
    }
}
