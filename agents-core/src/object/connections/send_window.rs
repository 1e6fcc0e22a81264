//! The distance by which what is sent to a connection runs ahead of its client.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::gateway::BEHIND_BYTES;

/// The pieces of long answers that went to a connection; most connections have none.
#[derive(Debug)]
pub(crate) struct Pace {
    /// Bytes that were sent and of which it is not known that the client took them.
    ahead: AtomicUsize,
    /// Bytes since the last look at what waits for the client.
    unchecked: AtomicUsize,
    /// One asks the gateway at a time; the others wait in their order.
    turn: Semaphore,
}

impl Pace {
    pub(in crate::object) fn new() -> Self {
        Self { ahead: AtomicUsize::new(0), unchecked: AtomicUsize::new(0), turn: Semaphore::new(1) }
    }

    /// Returns whether so much was sent that the next piece should wait.
    pub(in crate::object) fn is_ahead(&self) -> bool {
        self.ahead() > BEHIND_BYTES
    }

    /// Returns the number of bytes that may not have been taken yet.
    pub(in crate::object) fn ahead(&self) -> usize {
        self.ahead.load(Ordering::Relaxed)
    }

    /// Counts what was sent.
    pub(in crate::object) fn sent(&self, bytes: usize) {
        self.ahead.fetch_add(bytes, Ordering::Relaxed);
        self.unchecked.fetch_add(bytes, Ordering::Relaxed);
    }

    /// The client has taken so much.
    pub(in crate::object) fn taken(&self, bytes: usize) {
        let _ = self
            .ahead
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |ahead| Some(ahead.saturating_sub(bytes)));
    }

    /// Returns whether to look how much waits for the client: once each time `BEHIND_BYTES` are exceeded.
    pub(in crate::object) fn is_to_be_checked(&self) -> bool {
        self.unchecked.load(Ordering::Relaxed) > BEHIND_BYTES
            && self.unchecked.swap(0, Ordering::Relaxed) > BEHIND_BYTES
    }

    /// Lets the next look come at once.
    pub(in crate::object) fn check_again(&self) {
        self.unchecked.store(BEHIND_BYTES + 1, Ordering::Relaxed);
    }

    /// Waits for the right to ask the gateway; `None` never comes.
    pub(in crate::object) async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        self.turn.acquire().await.ok()
    }
}
