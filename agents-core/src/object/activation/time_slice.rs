//! How long an object is at work before others get their turn.

use std::time::Duration;

use tokio::time::Instant;

/// How many steps a round has at most.
const STEPS: usize = 256;
/// The number of steps that new events, or running handlers, have before it is the turn of the others.
const STRETCH: usize = 16;
/// After so long a round is over, whatever is left to do: a few large messages take as long as hundreds of
/// small ones.
const LONGEST: Duration = Duration::from_millis(1);
/// How many steps there are between two looks at the clock.
const LOOK: usize = 4;
/// A message of so many bytes is worth a look of its own.
const LARGE: usize = 16 * 1024;

/// One stretch of work of an object; at its end the object commits and lets others run.
#[derive(Debug)]
pub(super) struct Round {
    left: usize,
    /// The number of steps that are left when the stretch is over.
    stretch: usize,
    until: Instant,
}

/// The work that an object may go on with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Events,
    Handlers,
}

impl Side {
    /// Whose turn it is next. It stays over rounds: each may use up one of its own, and the other comes first
    /// in the next.
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

    /// Returns whether it is the turn of the other kind of work, or the round is over.
    pub(super) fn is_stretch_over(&self) -> bool {
        self.left <= self.stretch
    }

    /// A handler has finished.
    pub(super) fn step(&mut self) {
        self.took(0);
    }

    /// A message of so many bytes was taken.
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
        assert!(steps.count() < LOOK, "it looks at the clock soon");
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
