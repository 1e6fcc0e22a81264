//! A test mode in which objects hibernate and crash as often as possible.

use std::fmt;

use parking_lot::Mutex;

/// A source of random endings: objects hibernate as soon as nothing runs, without an idle time.
pub(crate) struct Chaos(Mutex<fastrand::Rng>);

impl Chaos {
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn new(seed: u64) -> Self {
        Self(Mutex::new(fastrand::Rng::with_seed(seed)))
    }

    /// Returns whether the object ends as if the process had been killed: without its `hibernate` hook, and
    /// with a database that has to be recovered from its log.
    pub(in crate::object) fn crashes(&self) -> bool {
        self.0.lock().u8(..4) == 0
    }
}

impl fmt::Debug for Chaos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chaos").finish_non_exhaustive()
    }
}
