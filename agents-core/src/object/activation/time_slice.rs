//! The time slice of an object: its work before other tasks run.

use std::time::Duration;

use tokio::time::Instant;

/// The maximum number of steps in a slice.
const STEPS: usize = 256;
/// The maximum number of steps of new events, or of running handlers, before the other kind is polled.
const STRETCH: usize = 16;
/// The maximum time of a slice. A few large messages take as long as hundreds of small ones.
const LONGEST: Duration = Duration::from_millis(1);
/// The number of steps between two reads of the clock.
const CLOCK_INTERVAL: usize = 4;
/// The size of a message after which the clock is read at once.
const LARGE: usize = 16 * 1024;

/// The work of an object between two commits; at its end the object commits and yields.
#[derive(Debug)]
pub(super) struct TimeSlice {
    left: usize,
    /// The value of `left` at which the stretch is over.
    stretch: usize,
    until: Instant,
}

/// A kind of work that an object may continue with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Events,
    Handlers,
}

impl Side {
    /// Returns the kind of work that is polled next. The kind is kept over slices: if one kind uses up a
    /// slice, the other one comes first in the next.
    pub(super) fn other(self) -> Self {
        match self {
            Self::Events => Self::Handlers,
            Self::Handlers => Self::Events,
        }
    }
}

impl TimeSlice {
    pub(super) fn new(started: Instant) -> Self {
        Self { left: STEPS, stretch: STEPS - STRETCH, until: started + LONGEST }
    }

    /// Begins a stretch: some steps of one kind of work.
    pub(super) fn begin_stretch(&mut self) {
        self.stretch = self.left.saturating_sub(STRETCH);
    }

    /// Returns whether the other kind of work is next, or the slice is over.
    pub(super) fn is_stretch_over(&self) -> bool {
        self.left <= self.stretch
    }

    /// Counts a handler that has finished.
    pub(super) fn step(&mut self) {
        self.took(0);
    }

    /// Counts a message of this many bytes.
    pub(super) fn took(&mut self, bytes: usize) {
        self.left = self.left.saturating_sub(1);
        let reads_clock = bytes >= LARGE || self.left.is_multiple_of(CLOCK_INTERVAL);
        if reads_clock && Instant::now() >= self.until {
            self.left = 0;
        }
    }

    pub(super) fn is_over(&self) -> bool {
        self.left == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_slice_ends_by_its_steps_or_by_the_clock() {
        let mut slice = TimeSlice::new(Instant::now());
        for _ in 0..STEPS - 1 {
            slice.step();
        }
        assert!(!slice.is_over());
        slice.step();
        assert!(slice.is_over());
        let mut slice = TimeSlice::new(Instant::now());
        slice.step();
        tokio::time::advance(LONGEST).await;
        let mut large = TimeSlice::new(Instant::now() - LONGEST);
        large.took(LARGE);
        assert!(large.is_over());
        let steps = (0..).take_while(|_| {
            slice.step();
            !slice.is_over()
        });
        assert!(steps.count() < CLOCK_INTERVAL, "the clock is read soon");
    }

    #[tokio::test(start_paused = true)]
    async fn a_slice_has_stretches() {
        let mut slice = TimeSlice::new(Instant::now());
        let mut stretches = 0;
        while !slice.is_over() {
            slice.begin_stretch();
            stretches += 1;
            while !slice.is_stretch_over() {
                slice.step();
            }
        }
        assert_eq!(stretches, STEPS / STRETCH);
    }
}
