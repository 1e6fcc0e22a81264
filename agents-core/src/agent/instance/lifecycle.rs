//! The values that an agent keeps for one life of its object, whatever instance it has.
//!
//! An instance that panicked is replaced within that life, and handlers that run on the old one go on beside those of
//! the new one. What they share must not be in either.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::{Mutex, MutexGuard, Semaphore, SemaphorePermit};

use crate::agent::rpc::streams::Streams;

/// The most rejections that may wait for `on_state_rejected` at a time.
pub(in crate::agent) const WAITING_REJECTIONS: usize = 1024;

/// The values that all instances of one life share.
pub(crate) struct ActivationData {
    /// Held by exclusive work.
    exclusive: Mutex<()>,
    /// The streamed answers under way.
    pub(in crate::agent) streams: Streams,
    /// Places for rejections that wait for their hook.
    rejections: Semaphore,
    /// There were too many rejections since all of them were told.
    too_many_rejections: AtomicBool,
}

impl ActivationData {
    /// Waits until no other exclusive work runs.
    pub(in crate::agent) async fn enter_exclusive(&self) -> MutexGuard<'_, ()> {
        self.exclusive.lock().await
    }

    /// Takes a place for a rejection; `Err` is `true` for the first one without a place.
    pub(in crate::agent) fn begin_rejection(&self) -> Result<SemaphorePermit<'_>, bool> {
        let place = self.rejections.try_acquire();
        let place = place.map_err(|_| !self.too_many_rejections.swap(true, Ordering::Relaxed))?;
        if self.rejections.available_permits() + 1 == WAITING_REJECTIONS {
            self.too_many_rejections.store(false, Ordering::Relaxed);
        }
        Ok(place)
    }

    /// Gives the place of a rejection back.
    pub(in crate::agent) fn end_rejection(&self) {
        self.rejections.add_permits(1);
    }
}

impl Default for ActivationData {
    fn default() -> Self {
        Self {
            exclusive: Mutex::default(),
            streams: Streams::default(),
            rejections: Semaphore::new(WAITING_REJECTIONS),
            too_many_rejections: AtomicBool::new(false),
        }
    }
}

impl fmt::Debug for ActivationData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Life").finish_non_exhaustive()
    }
}
