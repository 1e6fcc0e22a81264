//! Values that belong to one activation of an agent, across all its instances.
//!
//! An instance that panicked is replaced within the same activation. Handlers of the old instance may still
//! run beside those of the new one, so values that both need cannot be stored in an instance.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::{Mutex, MutexGuard, Semaphore, SemaphorePermit};

use crate::agent::rpc::streams::Streams;

/// The maximum number of rejections that wait for `on_state_rejected` at a time.
pub(in crate::agent) const WAITING_REJECTIONS: usize = 1024;

/// Values that all instances of one activation share.
pub(crate) struct ActivationData {
    /// Locked while exclusive work runs.
    exclusive: Mutex<()>,
    /// The streamed replies that have not ended.
    pub(in crate::agent) streams: Streams,
    /// Permits for rejections that wait for their hook.
    rejections: Semaphore,
    /// `true` if a rejection was dropped since the hook last handled all waiting ones.
    too_many_rejections: AtomicBool,
}

impl ActivationData {
    /// Waits until no other exclusive work runs.
    pub(in crate::agent) async fn enter_exclusive(&self) -> MutexGuard<'_, ()> {
        self.exclusive.lock().await
    }

    /// Takes a permit for a rejection; returns `Err(true)` for the first rejection without
    /// one, and `Err(false)` for the further ones.
    pub(in crate::agent) fn begin_rejection(&self) -> Result<SemaphorePermit<'_>, bool> {
        let permit = self.rejections.try_acquire();
        let permit = permit.map_err(|_| !self.too_many_rejections.swap(true, Ordering::Relaxed))?;
        if self.rejections.available_permits() + 1 == WAITING_REJECTIONS {
            self.too_many_rejections.store(false, Ordering::Relaxed);
        }
        Ok(permit)
    }

    /// Releases the permit of a rejection.
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
        f.debug_struct("ActivationData").finish_non_exhaustive()
    }
}
