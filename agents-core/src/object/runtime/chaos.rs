//! A mode for tests: objects sleep and crash as often as they can.

use std::fmt;

use parking_lot::Mutex;

/// Makes objects leave memory as soon as nothing runs, without being idle first.
pub(crate) struct Chaos(Mutex<fastrand::Rng>);

impl Chaos {
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn new(seed: u64) -> Self {
        Self(Mutex::new(fastrand::Rng::with_seed(seed)))
    }

    /// Whether the object leaves as if the process had been killed: no goodbye, and a database that
    /// has to be recovered from its log.
    pub(in crate::object) fn crashes(&self) -> bool {
        self.0.lock().u8(..4) == 0
    }
}

impl fmt::Debug for Chaos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chaos").finish_non_exhaustive()
    }
}
