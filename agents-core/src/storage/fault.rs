//! A test seam: storage that fails on request, and remembers what is on the disk.

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};

use super::error::{SqlError, SqlErrorKind};
use super::fresh::Fresh;
use super::power::Record;

/// Makes the next commits, syncs or writes of a store fail, and simulates power failures.
///
/// For tests of what is above storage: put one into `StoreOptions::faults`, keep a clone of it.
///
/// # Power failures
///
/// From [`record`](Self::record) on it remembers what is on the disk for sure, and
/// [`power_cut`](Self::power_cut) writes a data folder as it may be found after a power failure at
/// that moment. Simulated are:
///
/// - the log: what was in it when the last successful sync began is there; what was written
///   since is there or not in pieces of 512 bytes each, and its length is old, new or in between;
/// - its header, which SQLite flushes itself before it overwrites older frames;
/// - the database: what a flush of a new file, a checkpoint or a close left is there;
/// - a new file whose first sync never succeeded: it is missing, empty, all zeros, or made of
///   pieces that are there or zero; its log as above;
/// - a log that was cut when its store was opened or closed: it may be there again, whole, or be
///   empty, or have the mark of a store that closed well;
/// - the index of alarms, like any other database.
///
/// Not simulated are: a failure in the middle of a checkpoint, between its own flushes; removed
/// databases that come back; names and folders that are lost while the files in them were flushed;
/// sectors that are torn themselves; a disk that lies about flushes; anything under
/// [`Durability::Process`](super::Durability::Process), where syncs flush nothing.
///
/// Take it while no other thread uses the stores.
#[derive(Debug, Default)]
pub struct Faults {
    commits: AtomicU32,
    syncs: AtomicU32,
    writes: AtomicU32,
    disk_errors: AtomicU32,
    recording: AtomicBool,
    record: Mutex<Record>,
    /// Whether syncs wait, and what tells them when they may go on.
    held: (Mutex<bool>, Condvar),
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

    /// Lets every sync wait, as on a disk that hangs, until [`release_syncs`](Self::release_syncs).
    pub fn hold_syncs(&self) {
        *self.held.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
    }

    /// Lets syncs go on that were held.
    pub fn release_syncs(&self) {
        *self.held.0.lock().unwrap_or_else(PoisonError::into_inner) = false;
        self.held.1.notify_all();
    }

    /// Lets the next `count` statements that write fail, as if the disk were full.
    pub fn fail_writes(&self, count: u32) {
        self.writes.store(count, Ordering::SeqCst);
    }

    /// Lets the next `count` statements that write fail, as if the disk were broken.
    pub fn break_writes(&self, count: u32) {
        self.disk_errors.store(count, Ordering::SeqCst);
    }

    /// Begins to remember what is on the disk. Files that are there already count as flushed.
    ///
    /// Call it before the first store is opened.
    pub fn record(&self) {
        self.recording.store(true, Ordering::SeqCst);
    }

    /// Writes into the folder `into` what a power failure may leave of the folder `data`.
    ///
    /// # Errors
    /// When a file cannot be read or written.
    pub fn power_cut(&self, data: &Path, into: &Path, seed: u64) -> io::Result<()> {
        self.with(|record| record.power_cut(data, into, seed))
    }

    pub(super) fn commit(&self) -> io::Result<()> {
        take(&self.commits).map_or(Ok(()), |()| Err(io::Error::other("a commit failed on request")))
    }

    pub(super) fn sync(&self) -> io::Result<()> {
        let held = self.held.0.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.held.1.wait_while(held, |held| *held).unwrap_or_else(PoisonError::into_inner));
        take(&self.syncs).map_or(Ok(()), |()| Err(io::Error::other("a sync failed on request")))
    }

    pub(super) fn write(&self) -> Result<(), Box<SqlError>> {
        if take(&self.writes).is_some() {
            return Err(SqlError::new(SqlErrorKind::Full, "a write failed on request", ""));
        }
        if take(&self.disk_errors).is_some() {
            return Err(SqlError::new(SqlErrorKind::Io, "a write failed on request", ""));
        }
        Ok(())
    }

    pub(super) fn is_recording(&self) -> bool {
        self.recording.load(Ordering::SeqCst)
    }

    /// A store is about to open or close its file, which may move the log into the database.
    pub(super) fn moving(&self, path: &Path) {
        if self.is_recording() {
            self.with(|record| record.moving(path));
        }
    }

    /// A store has opened its file.
    pub(super) fn opened(&self, path: &Path, fresh: Option<&Fresh>) {
        if let Some(bytes) = self.content(fresh) {
            let flushed = fresh.is_some_and(Fresh::is_flushed);
            self.with(|record| record.opened(path, bytes, flushed));
        }
    }

    /// A store has committed, and SQLite may have made a checkpoint with it.
    pub(super) fn committed(&self, path: &Path, fresh: Option<&Fresh>) {
        if let Some(bytes) = self.content(fresh) {
            self.with(|record| record.committed(path, bytes));
        }
    }

    /// Remembers what `flush` brings to the disk.
    pub(super) fn syncing(
        &self,
        path: &Path,
        fresh: Option<&Fresh>,
        flush: impl FnOnce() -> io::Result<()>,
    ) -> io::Result<()> {
        let before = self.with(|record| record.before_sync(path));
        flush()?;
        if let Some(bytes) = self.content(fresh) {
            let flushed = fresh.is_some_and(Fresh::is_flushed);
            self.with(|record| record.synced(path, before, flushed.then_some(bytes)));
        }
        Ok(())
    }

    /// A store has closed its file.
    pub(super) fn closed(&self, path: &Path) {
        self.with(|record| record.closed(path));
    }

    fn content(&self, fresh: Option<&Fresh>) -> Option<Vec<u8>> {
        if !self.is_recording() {
            return None;
        }
        fresh?.content().ok().flatten()
    }

    fn with<R>(&self, work: impl FnOnce(&mut Record) -> R) -> R {
        work(&mut self.record.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Takes one off, if there is one.
fn take(counter: &AtomicU32) -> Option<()> {
    counter.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok().then_some(())
}
