//! The window of a streamed response: the bytes that may be sent before the client receives them.

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::gateway::{RESPONSE_WINDOW, window_share};

/// Counts the bytes of a response that the client has not received yet.
#[derive(Debug)]
pub(crate) struct ResponseWindow {
    room: Semaphore,
    gone: CancellationToken,
}

impl ResponseWindow {
    pub(in crate::object) fn new() -> Self {
        Self { room: Semaphore::new(RESPONSE_WINDOW), gone: CancellationToken::new() }
    }

    /// Waits until a chunk of this many bytes may be sent; returns `false` when the client is gone.
    pub(crate) async fn acquire(&self, len: usize) -> bool {
        match self.room.acquire_many(window_share(len)).await {
            Ok(permit) => {
                permit.forget();
                true
            }
            Err(_) => false,
        }
    }

    /// Waits until the client is gone.
    pub(in crate::object) async fn until_gone(&self) {
        self.gone.cancelled().await;
    }

    /// Counts bytes that the client has received, which are never more than were sent.
    pub(in crate::object) fn drained(&self, bytes: u64) {
        self.room.add_permits(usize::try_from(bytes).unwrap_or(RESPONSE_WINDOW));
    }

    pub(in crate::object) fn gone(&self) {
        self.room.close();
        self.gone.cancel();
    }
}
