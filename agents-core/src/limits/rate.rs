//! The rate of an event.

/// A rate: the number of events per second in the long run, and the number of events that may happen at once.
///
/// ```
/// use agents_core::Rate;
///
/// // Up to 30 at once, then one every 100 ms.
/// let rate = Rate::per_second(10).burst(30);
/// assert_eq!(rate, Rate::per_second(10).burst(30));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    per_second: u32,
    burst: u32,
}

impl Rate {
    /// Returns a rate of `count` events per second, with a burst of the same number. 0 counts as 1.
    pub const fn per_second(count: u32) -> Self {
        let count = if count == 0 { 1 } else { count };
        Self { per_second: count, burst: count }
    }

    /// Sets the number of events that may happen at once. 0 counts as 1.
    #[must_use]
    pub const fn burst(mut self, count: u32) -> Self {
        self.burst = if count == 0 { 1 } else { count };
        self
    }

    pub(crate) fn every_second(self) -> u32 {
        self.per_second
    }

    pub(crate) fn at_once(self) -> u32 {
        self.burst
    }
}
