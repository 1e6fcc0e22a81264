//! Samples log lines that clients cause: a few lines of each kind are written per second, and the other ones
//! are counted.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::time::Instant;
use tracing::Level;

/// The number of lines of a kind that are written in [`WINDOW`].
const LINES: u32 = 5;
const WINDOW: Duration = Duration::from_secs(1);

/// Writes a log line of a kind that clients can cause any number of times: `sampled!(DEBUG, "frames that are
/// no JSON", %error, "a frame is no JSON")`. A level that is off costs no more than without this macro.
///
/// The target is `agents::client`, and that of the level `ERROR` is `agents::error`.
macro_rules! sampled {
    (ERROR, $($rest:tt)+) => { sampled!(@ "agents::error", ERROR, $($rest)+) };
    (@ $target:literal, $level:ident, $kind:literal, $($line:tt)+) => {{
        static SAMPLER: $crate::support::sampled::Sampler =
            $crate::support::sampled::Sampler::new(tracing::Level::$level, $kind);
        if tracing::enabled!(target: $target, tracing::Level::$level) && SAMPLER.passes() {
            tracing::event!(target: $target, tracing::Level::$level, $($line)+);
        }
    }};
    ($level:ident, $($rest:tt)+) => { sampled!(@ "agents::client", $level, $($rest)+) };
}

pub(crate) use sampled;

/// Decides which lines of one kind are written.
#[derive(Debug)]
pub(crate) struct Sampler {
    level: Level,
    kind: &'static str,
    window: Mutex<Window>,
}

/// The counts of a time window.
#[derive(Debug)]
struct Window {
    began: Option<Instant>,
    written: u32,
    left_out: u64,
}

impl Sampler {
    pub(crate) const fn new(level: Level, kind: &'static str) -> Self {
        Self { level, kind, window: Mutex::new(Window { began: None, written: 0, left_out: 0 }) }
    }

    /// Returns whether the next line should be written.
    pub(crate) fn passes(&'static self) -> bool {
        let now = Instant::now();
        let mut window = self.window.lock();
        let mut before = 0;
        // The virtual clock of another runtime may be behind.
        let is_over = |began| now.checked_duration_since(began).is_none_or(|passed| passed >= WINDOW);
        if window.began.is_none_or(is_over) {
            before = std::mem::take(&mut window.left_out);
            window.began = Some(now);
            window.written = 0;
        }
        let passes = window.written < LINES;
        window.written += u32::from(passes);
        window.left_out += u64::from(!passes);
        let until = window.began.filter(|_| !passes && window.left_out == 1).map(|began| began + WINDOW);
        // The lock is released first, because the subscriber of the log is code of the program.
        drop(window);
        self.count(before);
        // The task writes the number even if no further line follows. Without a runtime, the next line writes
        // it.
        if let Some(until) = until
            && let Ok(runtime) = Handle::try_current()
        {
            runtime.spawn(async move {
                tokio::time::sleep_until(until).await;
                let left_out = std::mem::take(&mut self.window.lock().left_out);
                self.count(left_out);
            });
        }
        passes
    }

    fn count(&self, left_out: u64) {
        let kind = self.kind;
        match (left_out, self.level) {
            (0, _) => {}
            (_, Level::ERROR) => {
                tracing::error!(target: "agents::error", kind, left_out, "lines of one kind were left out")
            }
            (_, Level::WARN) => {
                tracing::warn!(target: "agents::client", kind, left_out, "lines of one kind were left out")
            }
            _ => tracing::debug!(target: "agents::client", kind, left_out, "lines of one kind were left out"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_few_lines_pass_in_each_second() {
        static SAMPLER: Sampler = Sampler::new(Level::DEBUG, "lines of a test");
        let left_out = || SAMPLER.window.lock().left_out;
        let passed = || (0..1000).filter(|_| SAMPLER.passes()).count();
        assert_eq!((passed(), left_out()), (LINES as usize, 1000 - u64::from(LINES)));
        tokio::time::sleep(WINDOW / 2).await;
        assert_eq!(passed(), 0);
        tokio::time::sleep(WINDOW).await;
        assert_eq!(left_out(), 0, "the number is written without a further line");
        assert!(SAMPLER.passes());
        assert_eq!((passed(), left_out()), (LINES as usize - 1, 1000 - u64::from(LINES) + 1));
    }
}
