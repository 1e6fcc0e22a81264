//! Work on the disk that is under way on threads that may block.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio::task::{JoinHandle, spawn_blocking};

/// The work on the disk that is under way for one object, or for the index of alarms.
///
/// A disk may stop answering. No thread that waits for it can be ended, so a host that stops has to know of them.
#[derive(Clone, Debug, Default)]
pub(in crate::object) struct DiskWork(Arc<AtomicU32>);

impl DiskWork {
    /// Runs work on a thread that may block.
    pub(in crate::object) fn spawn<R: Send + 'static>(
        &self,
        work: impl FnOnce() -> R + Send + 'static,
    ) -> JoinHandle<R> {
        let under_way = UnderWay::begin(self);
        spawn_blocking(move || {
            let _under_way = under_way;
            work()
        })
    }

    /// Returns whether some of it is not done yet.
    pub(in crate::object) fn is_under_way(&self) -> bool {
        self.0.load(Ordering::Acquire) > 0
    }
}

/// One piece of work, over when this is dropped.
struct UnderWay(DiskWork);

impl UnderWay {
    fn begin(all: &DiskWork) -> Self {
        all.0.fetch_add(1, Ordering::AcqRel);
        Self(all.clone())
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::AcqRel);
    }
}
