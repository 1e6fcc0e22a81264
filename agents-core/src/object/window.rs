//! How far a streamed response may run ahead of its client.

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// How many chunks may be under way to the gateway.
const CHUNKS: usize = 16;

/// Counts the chunks of a response that the client has not taken yet.
#[derive(Debug)]
pub(crate) struct Window {
    room: Semaphore,
    gone: CancellationToken,
}

impl Window {
    pub(super) fn new() -> Self {
        Self { room: Semaphore::new(CHUNKS), gone: CancellationToken::new() }
    }

    /// Waits until another chunk may go; `false` when the client is gone.
    pub(crate) async fn acquire(&self) -> bool {
        match self.room.acquire().await {
            Ok(permit) => {
                permit.forget();
                true
            }
            Err(_) => false,
        }
    }

    /// Ready when the client is gone.
    pub(super) async fn until_gone(&self) {
        self.gone.cancelled().await;
    }

    pub(super) fn drained(&self, chunks: u32) {
        self.room.add_permits(chunks as usize);
    }

    pub(super) fn gone(&self) {
        self.room.close();
        self.gone.cancel();
    }
}
