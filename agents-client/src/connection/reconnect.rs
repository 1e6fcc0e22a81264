//! The policy for reconnects.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};

/// The policy for reconnects: exponential back-off with jitter, by default without a limit of attempts.
///
/// ```
/// use std::time::Duration;
///
/// use agents_client::Reconnect;
///
/// let patient = Reconnect::new().max_delay(Duration::from_secs(60));
/// let once = Reconnect::never();
/// # drop((patient, once));
/// ```
#[derive(Debug, Clone)]
pub struct Reconnect {
    min_delay: Duration,
    max_delay: Duration,
    max_attempts: Option<u32>,
}

impl Default for Reconnect {
    fn default() -> Self {
        Self::new()
    }
}

impl Reconnect {
    /// Returns the default policy: delays from 250 ms to 10 s, doubled after each attempt. A random part of
    /// up to the same time is added, so that many clients of one server do not reconnect together.
    pub fn new() -> Self {
        Self { min_delay: Duration::from_millis(250), max_delay: Duration::from_secs(10), max_attempts: None }
    }

    /// Returns a policy without reconnects.
    pub fn never() -> Self {
        Self::new().max_attempts(0)
    }

    /// Sets the first delay.
    #[must_use]
    pub fn min_delay(mut self, delay: Duration) -> Self {
        self.min_delay = delay;
        self
    }

    /// Sets the maximum delay, before jitter.
    #[must_use]
    pub fn max_delay(mut self, delay: Duration) -> Self {
        self.max_delay = delay;
        self
    }

    /// Sets the number of attempts in a row that may fail before the client stops.
    #[must_use]
    pub fn max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = Some(attempts);
        self
    }

    pub(crate) fn start(&self) -> Delays {
        let builder = ExponentialBuilder::new()
            .with_jitter()
            .with_factor(2.0)
            .with_min_delay(self.min_delay)
            .with_max_delay(self.max_delay.max(self.min_delay));
        let builder = match self.max_attempts {
            Some(attempts) => builder.with_max_times(attempts as usize),
            None => builder.without_max_times(),
        };
        Delays { delays: builder.build(), attempt: 0 }
    }
}

/// The delays of one period without a connection.
#[derive(Debug)]
pub(crate) struct Delays {
    delays: ExponentialBackoff,
    attempt: u32,
}

impl Delays {
    /// Returns the number of the next attempt and the delay before it.
    pub(crate) fn next(&mut self) -> Option<(u32, Duration)> {
        let delay = self.delays.next()?;
        self.attempt += 1;
        Some((self.attempt, delay))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_the_longest_with_jitter_on_top() {
        let mut delays = Reconnect::new()
            .min_delay(Duration::from_millis(100))
            .max_delay(Duration::from_millis(300))
            .start();
        for (attempt, base) in [(1, 100), (2, 200), (3, 300), (4, 300)] {
            let (number, delay) = delays.next().unwrap();
            assert_eq!(number, attempt);
            let base = Duration::from_millis(base);
            assert!(base <= delay && delay <= 2 * base, "{delay:?}");
        }
    }

    #[test]
    fn attempts_are_counted() {
        assert!(Reconnect::never().start().next().is_none());
        let mut delays = Reconnect::new().max_attempts(2).start();
        assert!(delays.next().is_some() && delays.next().is_some() && delays.next().is_none());
    }
}
