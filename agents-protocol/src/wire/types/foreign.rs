//! Wire types of other crates, one feature for each crate.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::wire::Wire;

macro_rules! through_serde {
    ($($feature:literal: $($ty:ty),+;)*) => {$($(
        #[cfg(feature = $feature)]
        impl Wire for $ty {
            type Shape = Self;

            fn wire_serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                Serialize::serialize(self, serializer)
            }
            fn wire_deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Deserialize::deserialize(deserializer)
            }
        }
    )+)*};
}

through_serde!(
    "chrono":
        chrono::DateTime<chrono::Utc>,
        chrono::DateTime<chrono::FixedOffset>,
        chrono::DateTime<chrono::Local>,
        chrono::NaiveDate,
        chrono::NaiveDateTime,
        chrono::NaiveTime,
        chrono::Month,
        chrono::Weekday;
    "jiff":
        jiff::Timestamp,
        jiff::Zoned,
        jiff::Span,
        jiff::civil::Date,
        jiff::civil::DateTime,
        jiff::civil::Time;
    "url": url::Url;
    "uuid": uuid::Uuid;
);
