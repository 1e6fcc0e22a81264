//! The time as agents and the gateway see it.

use std::time::{SystemTime, UNIX_EPOCH};

#[cfg(any(test, feature = "testing"))]
use tokio::time::Instant;

/// A clock that counts milliseconds since 1970, UTC.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum Clock {
    /// The system clock of the machine.
    #[default]
    System,
    /// A clock that follows the timers of the runtime, which a test may stop and move.
    #[cfg(any(test, feature = "testing"))]
    Virtual {
        /// The time that the clock showed at `start`.
        epoch: u64,
        start: Instant,
    },
}

impl Clock {
    /// Returns a clock that starts at the machine's time and moves with the timers of the runtime.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn start_virtual() -> Self {
        Self::Virtual { epoch: Self::System.now_ms(), start: Instant::now() }
    }

    pub(crate) fn now_ms(self) -> u64 {
        match self {
            Self::System => {
                SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| millis(since.as_millis()))
            }
            #[cfg(any(test, feature = "testing"))]
            Self::Virtual { epoch, start } => epoch + millis(start.elapsed().as_millis()),
        }
    }
}

fn millis(value: u128) -> u64 {
    u64::try_from(value).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_virtual_clock_moves_with_the_timers() {
        let clock = Clock::start_virtual();
        let before = clock.now_ms();
        tokio::time::advance(Duration::from_secs(86_400)).await;
        assert_eq!(clock.now_ms() - before, 86_400_000);
    }
}
