//! A test seam: storage that fails on request.

use std::io;
use std::sync::atomic::{AtomicU32, Ordering};

/// Makes the next commits, syncs or writes of a store fail.
///
/// For tests of what is above storage: put one into `StoreOptions::faults`, keep a clone of it.
#[derive(Debug, Default)]
pub struct Faults {
    commits: AtomicU32,
    syncs: AtomicU32,
    writes: AtomicU32,
}

impl Faults {
    /// Lets the next `count` commits fail.
    pub fn fail_commits(&self, count: u32) {
        self.commits.store(count, Ordering::SeqCst);
    }

    /// Lets the next `count` syncs fail.
    pub fn fail_syncs(&self, count: u32) {
        self.syncs.store(count, Ordering::SeqCst);
    }

    /// Lets the next `count` statements that write fail, as if the disk were full.
    pub fn fail_writes(&self, count: u32) {
        self.writes.store(count, Ordering::SeqCst);
    }

    pub(super) fn commit(&self) -> io::Result<()> {
        take(&self.commits, "a commit failed on request")
    }

    pub(super) fn sync(&self) -> io::Result<()> {
        take(&self.syncs, "a sync failed on request")
    }

    pub(super) fn write(&self) -> io::Result<()> {
        take(&self.writes, "a write failed on request")
    }
}

fn take(counter: &AtomicU32, message: &'static str) -> io::Result<()> {
    match counter.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)) {
        Ok(_) => Err(io::Error::other(message)),
        Err(_) => Ok(()),
    }
}
