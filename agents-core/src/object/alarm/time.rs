//! The facts that an alarm handler receives, and the times that an alarm can be set to.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// An alarm that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AlarmInfo {
    /// The time at which the alarm was due; after a failure, the time of the retry.
    pub scheduled_time: SystemTime,
    /// The number of earlier attempts that failed.
    pub retry_count: u32,
}

impl AlarmInfo {
    /// Returns whether an earlier attempt failed.
    pub fn is_retry(&self) -> bool {
        self.retry_count > 0
    }
}

/// A time that an alarm is set to: a moment, or a time span from now.
///
/// Moments are [`SystemTime`], `chrono::DateTime` (feature `chrono`), `jiff::Timestamp` and `jiff::Zoned` (feature
/// `jiff`). Spans are [`Duration`] and [`wire::Duration`](crate::wire::Duration).
#[diagnostic::on_unimplemented(
    message = "an alarm cannot be set to a `{Self}`",
    label = "neither a moment nor a time span",
    note = "a span counts from now: `Duration::from_secs(60)`; a number alone has no unit",
    note = "a moment is a `SystemTime`, a `chrono::DateTime` or a `jiff::Timestamp`"
)]
pub trait AlarmTime {
    /// Returns the moment; `now` is the current time of the object.
    fn moment(self, now: SystemTime) -> SystemTime;
}

impl AlarmTime for SystemTime {
    fn moment(self, _: SystemTime) -> SystemTime {
        self
    }
}

impl AlarmTime for Duration {
    fn moment(self, now: SystemTime) -> SystemTime {
        // Only a span of some thousand years exceeds the range of `SystemTime`.
        now.checked_add(self).unwrap_or(now + LONGEST)
    }
}

impl AlarmTime for crate::wire::Duration {
    fn moment(self, now: SystemTime) -> SystemTime {
        self.0.moment(now)
    }
}

#[cfg(feature = "chrono")]
impl<Z: chrono::TimeZone> AlarmTime for chrono::DateTime<Z> {
    fn moment(self, _: SystemTime) -> SystemTime {
        self.into()
    }
}

#[cfg(feature = "jiff")]
impl AlarmTime for jiff::Timestamp {
    fn moment(self, _: SystemTime) -> SystemTime {
        self.into()
    }
}

#[cfg(feature = "jiff")]
impl AlarmTime for jiff::Zoned {
    fn moment(self, _: SystemTime) -> SystemTime {
        self.into()
    }
}

const LONGEST: Duration = Duration::from_secs(1000 * 365 * 86_400);

/// Returns the moment that is this number of milliseconds after 1970.
pub(in crate::object) fn moment_of(millis: u64) -> SystemTime {
    UNIX_EPOCH.checked_add(Duration::from_millis(millis)).unwrap_or(UNIX_EPOCH + LONGEST)
}

/// Returns the milliseconds since 1970, rounded up so that an alarm is never early; 0 for a moment before
/// 1970.
pub(in crate::object) fn millis_of(moment: SystemTime) -> u64 {
    let since = moment.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_700_000_000_000;

    fn millis(time: impl AlarmTime) -> u64 {
        millis_of(time.moment(moment_of(NOW)))
    }

    #[test]
    fn a_moment_is_itself_and_a_span_counts_from_now() {
        let moment = moment_of(NOW + 5);
        assert_eq!(millis(moment), NOW + 5);
        assert_eq!(millis(moment + Duration::from_nanos(1)), NOW + 6, "never early");
        assert_eq!(millis(UNIX_EPOCH - Duration::from_secs(1)), 0);
        assert_eq!(millis(Duration::from_secs(60)), NOW + 60_000);
        assert_eq!(millis(Duration::from_micros(1)), NOW + 1);
        assert!(millis(Duration::MAX) > NOW + 1000 * 364 * 86_400_000);
        assert_eq!(millis(crate::wire::Duration(Duration::from_secs(1))), NOW + 1000);
        assert!(moment_of(u64::MAX) > moment_of(NOW));
    }

    #[cfg(feature = "chrono")]
    #[test]
    fn moments_of_chrono_are_taken() {
        let moment = chrono::DateTime::from_timestamp_millis(i64::try_from(NOW + 7).unwrap()).unwrap();
        assert_eq!(millis(moment), NOW + 7);
        assert_eq!(millis(moment.with_timezone(&chrono::FixedOffset::east_opt(3600).unwrap())), NOW + 7);
    }

    #[cfg(feature = "jiff")]
    #[test]
    fn moments_of_jiff_are_taken() {
        let moment = jiff::Timestamp::from_millisecond(i64::try_from(NOW + 7).unwrap()).unwrap();
        assert_eq!(millis(moment), NOW + 7);
        assert_eq!(millis(moment.to_zoned(jiff::tz::TimeZone::UTC)), NOW + 7);
    }
}
