//! How far a streamed response may run ahead of its client.

use tokio::sync::Semaphore;

/// How many chunks may be under way to the gateway.
const CHUNKS: usize = 16;

/// Counts the chunks of a response that the client has not taken yet.
#[derive(Debug)]
pub(crate) struct Window(Semaphore);

impl Window {
    pub(super) fn new() -> Self {
        Self(Semaphore::new(CHUNKS))
    }

    /// Waits until another chunk may go; `false` when the client is gone.
    pub(crate) async fn acquire(&self) -> bool {
        match self.0.acquire().await {
            Ok(permit) => {
                permit.forget();
                true
            }
            Err(_) => false,
        }
    }

    pub(super) fn drained(&self, chunks: u32) {
        self.0.add_permits(chunks as usize);
    }

    pub(super) fn gone(&self) {
        self.0.close();
    }
}
