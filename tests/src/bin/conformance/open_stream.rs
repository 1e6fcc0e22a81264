//! The count of endless streams.

use std::sync::atomic::{AtomicUsize, Ordering};

/// The number of endless streams that run, in all agents.
static OPEN_STREAMS: AtomicUsize = AtomicUsize::new(0);

/// An entry of the count, for as long as the stream runs.
pub(crate) struct OpenStream(());

impl OpenStream {
    pub(crate) fn new() -> Self {
        OPEN_STREAMS.fetch_add(1, Ordering::Relaxed);
        Self(())
    }

    /// Returns the number of endless streams that run, in all agents.
    pub(crate) fn count() -> usize {
        OPEN_STREAMS.load(Ordering::Relaxed)
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        OPEN_STREAMS.fetch_sub(1, Ordering::Relaxed);
    }
}
