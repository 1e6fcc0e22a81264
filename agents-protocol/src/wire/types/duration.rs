//! Spans of time.

use std::fmt;
use std::time;

use serde::de::{Deserialize, Deserializer, Error, Visitor};
use serde::ser::{Serialize, Serializer};

use crate::wire::Wire;
use crate::wire::types::integer::SCALAR;

/// A span of time that travels as a number of milliseconds.
///
/// `std::time::Duration` itself is not a wire type: serde writes it as `{"secs":1,"nanos":5}`, which is
/// inconvenient in JavaScript. Parts of a millisecond travel as a fraction. A negative number, or one that no
/// `Duration` can hold, is refused. A column in SQL holds the same number.
///
/// ```
/// use agents_protocol::wire::{Duration, from_json, to_json};
///
/// let pause = Duration::from(std::time::Duration::from_secs(2));
/// assert_eq!(to_json(&pause).unwrap(), "2000");
/// assert_eq!(from_json::<Duration>("1.5").unwrap().0, std::time::Duration::from_micros(1500));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration(pub time::Duration);

impl From<time::Duration> for Duration {
    fn from(duration: time::Duration) -> Self {
        Self(duration)
    }
}

impl From<Duration> for time::Duration {
    fn from(duration: Duration) -> Self {
        duration.0
    }
}

impl Serialize for Duration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match (u64::try_from(self.0.as_millis()), self.0.subsec_nanos() % 1_000_000) {
            // `2000`, not `2000.0`.
            (Ok(whole), 0) => serializer.serialize_u64(whole),
            _ => serializer.serialize_f64(self.0.as_secs_f64() * 1000.0),
        }
    }
}

impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Number;
        impl<'de> Visitor<'de> for Number {
            type Value = Duration;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number of milliseconds")
            }
            fn visit_newtype_struct<D: Deserializer<'de>>(
                self,
                deserializer: D,
            ) -> Result<Duration, D::Error> {
                deserializer.deserialize_any(self)
            }
            fn visit_u64<E: Error>(self, milliseconds: u64) -> Result<Duration, E> {
                Ok(Duration(time::Duration::from_millis(milliseconds)))
            }
            fn visit_i64<E: Error>(self, milliseconds: i64) -> Result<Duration, E> {
                let milliseconds =
                    u64::try_from(milliseconds).map_err(|_| E::custom("a span of time is not negative"))?;
                self.visit_u64(milliseconds)
            }
            fn visit_f64<E: Error>(self, milliseconds: f64) -> Result<Duration, E> {
                // The maximum is rounded up when it is written, and would not fit when it is read.
                if milliseconds == time::Duration::MAX.as_secs_f64() * 1000.0 {
                    return Ok(Duration(time::Duration::MAX));
                }
                time::Duration::try_from_secs_f64(milliseconds / 1000.0).map(Duration).map_err(E::custom)
            }
        }
        deserializer.deserialize_newtype_struct(SCALAR, Number)
    }
}

impl Wire for Duration {
    type Shape = Self;

    fn wire_serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.serialize(serializer)
    }
    fn wire_deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::deserialize(deserializer)
    }
}

super::alias::alias!(Duration, "number", "A span of time in milliseconds.");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{from_json, to_json};

    #[test]
    fn it_is_a_number_of_milliseconds() {
        for (duration, json) in [
            (time::Duration::ZERO, "0"),
            (time::Duration::from_millis(1500), "1500"),
            (time::Duration::from_micros(250), "0.25"),
            (time::Duration::from_secs(86_400 * 365), "31536000000"),
        ] {
            assert_eq!(to_json(&Duration(duration)).unwrap(), json);
            assert_eq!(from_json::<Duration>(json).unwrap().0, duration);
        }
    }

    #[test]
    fn what_is_no_span_of_time_is_refused() {
        for json in ["-1", "-0.5", "1e300", "\"1\"", "null", "{\"secs\":1,\"nanos\":0}"] {
            from_json::<Duration>(json).unwrap_err();
        }
    }

    #[test]
    fn the_longest_one_travels() {
        let longest = Duration(time::Duration::MAX);
        assert_eq!(from_json::<Duration>(&to_json(&longest).unwrap()).unwrap(), longest);
    }
}
