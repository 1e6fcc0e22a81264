//! The number of bytes that were sent to a connection before its client received them.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::gateway::BEHIND_BYTES;

/// The pieces of long replies that were sent to a connection; most connections have none.
#[derive(Debug)]
pub(crate) struct SendWindow {
    /// The bytes that were sent and that the client may not have received yet.
    ahead: AtomicUsize,
    /// The bytes since the last check of how much waits for the client.
    unchecked: AtomicUsize,
    /// Lets one caller at a time ask the gateway; the others wait in their order.
    questions: Semaphore,
}

impl SendWindow {
    pub(in crate::object) fn new() -> Self {
        Self { ahead: AtomicUsize::new(0), unchecked: AtomicUsize::new(0), questions: Semaphore::new(1) }
    }

    /// Returns whether so much was sent that the next piece should wait.
    pub(in crate::object) fn is_ahead(&self) -> bool {
        self.ahead() > BEHIND_BYTES
    }

    /// Returns the number of bytes that the client may not have received yet.
    pub(in crate::object) fn ahead(&self) -> usize {
        self.ahead.load(Ordering::Relaxed)
    }

    /// Counts sent bytes.
    pub(in crate::object) fn sent(&self, bytes: usize) {
        self.ahead.fetch_add(bytes, Ordering::Relaxed);
        self.unchecked.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Counts bytes that the client has received.
    pub(in crate::object) fn taken(&self, bytes: usize) {
        let _ = self
            .ahead
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |ahead| Some(ahead.saturating_sub(bytes)));
    }

    /// Returns whether to check how much waits for the client: once each time `BEHIND_BYTES` are exceeded.
    pub(in crate::object) fn is_to_be_checked(&self) -> bool {
        self.unchecked.load(Ordering::Relaxed) > BEHIND_BYTES
            && self.unchecked.swap(0, Ordering::Relaxed) > BEHIND_BYTES
    }

    /// Makes the next check due at once.
    pub(in crate::object) fn check_again(&self) {
        self.unchecked.store(BEHIND_BYTES + 1, Ordering::Relaxed);
    }

    /// Waits for the right to ask the gateway. The result is never `None`, because the semaphore is never
    /// closed.
    pub(in crate::object) async fn enter(&self) -> Option<SemaphorePermit<'_>> {
        self.questions.acquire().await.ok()
    }
}
