//! The time slice of an object: its work before other tasks run.

use std::time::Duration;

use tokio::time::Instant;

/// The maximum number of steps in a round.
const STEPS: usize = 256;
/// The maximum number of steps of new events, or of running handlers, before the other kind is polled.
const STRETCH: usize = 16;
/// The maximum time of a round. A few large messages take as long as hundreds of small ones.
const LONGEST: Duration = Duration::from_millis(1);
/// The number of steps between two reads of the clock.
const LOOK: usize = 4;
/// The size of a message after which the clock is read at once.
const LARGE: usize = 16 * 1024;

/// One round of work of an object; at its end the object commits and yields.
#[derive(Debug)]
pub(super) struct Round {
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
    /// Returns the kind of work that is polled next. The kind is kept over rounds: if one kind uses up a
    /// round, the other one comes first in the next.
    pub(super) fn other(self) -> Self {
        match self {
            Self::Events => Self::Handlers,
            Self::Handlers => Self::Events,
        }
    }
}

impl Round {
    pub(super) fn new(started: Instant) -> Self {
        Self { left: STEPS, stretch: STEPS - STRETCH, until: started + LONGEST }
    }

    /// Begins a stretch: some steps of one kind of work.
    pub(super) fn begin_stretch(&mut self) {
        self.stretch = self.left.saturating_sub(STRETCH);
    }

    /// Returns whether the other kind of work is next, or the round is over.
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
        let look = bytes >= LARGE || self.left.is_multiple_of(LOOK);
        if look && Instant::now() >= self.until {
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
    async fn a_round_ends_by_its_steps_or_by_the_clock() {
        let mut round = Round::new(Instant::now());
        for _ in 0..STEPS - 1 {
            round.step();
        }
        assert!(!round.is_over());
        round.step();
        assert!(round.is_over());
        let mut round = Round::new(Instant::now());
        round.step();
        tokio::time::advance(LONGEST).await;
        let mut large = Round::new(Instant::now() - LONGEST);
        large.took(LARGE);
        assert!(large.is_over());
        let steps = (0..).take_while(|_| {
            round.step();
            !round.is_over()
        });
        assert!(steps.count() < LOOK, "the clock is read soon");
    }

    #[tokio::test(start_paused = true)]
    async fn a_round_has_stretches() {
        let mut round = Round::new(Instant::now());
        let mut stretches = 0;
        while !round.is_over() {
            round.begin_stretch();
            stretches += 1;
            while !round.is_stretch_over() {
                round.step();
            }
        }
        assert_eq!(stretches, STEPS / STRETCH);
    }
}
