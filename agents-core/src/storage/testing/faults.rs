//! Storage for tests that fails on request and records the content of the disk.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use super::partial_checkpoint::move_in_part;
use super::power_failure::{self, Before, Record};
use crate::storage::error::{SqlError, SqlErrorKind};
use crate::storage::file::unsynced::{self, UnsyncedFile};

/// Makes the next commits, syncs or writes of a store fail, and simulates power failures.
///
/// For tests of the layers above storage. Put one into `StoreOptions::faults` and keep a clone of it.
///
/// # Power failures
///
/// After [`record`](Self::record) it records the content that is certainly on the disk, and
/// [`power_cut`](Self::power_cut) writes a data folder as it may be found after a power failure at that
/// moment. The record is made by the calls that flush, for each file and each folder, so a missing flush is
/// missing in the record. Simulated are:
///
/// - the log: its content at the start of the last successful flush is there; each later piece of 512 bytes
///   is there or not, and the length is the old one, the new one or in between;
/// - the header of the log, which SQLite itself flushes before it overwrites older frames;
/// - the database: the content after a flush of a new file, a checkpoint or a close is there;
/// - a new file that was never flushed: it is missing, empty, all zeros, or made of pieces that are there or
///   zero; its log as above;
/// - names in a folder that was not flushed since they were added: they are missing, the newer ones first;
///   the note that a file is new may be there again;
/// - the database after a checkpoint that broke off ([`break_checkpoints`](Self::break_checkpoints)): each
///   piece is old or new, and the log is there;
/// - a log that was cut when its store was opened or closed: it may be whole again, or empty, or have the
///   mark of a store that closed cleanly;
/// - the alarm index, like any other database.
///
/// Not simulated are: a moment in the middle of a checkpoint that completes; removed databases that come
/// back; torn sectors; a disk that acknowledges a flush too early; anything under
/// [`Durability::Process`](crate::storage::Durability::Process), where syncs flush nothing.
///
/// Call `power_cut` while no other thread uses the stores.
#[derive(Debug, Default)]
pub struct Faults {
    commits: AtomicU32,
    syncs: AtomicU32,
    writes: AtomicU32,
    disk_errors: AtomicU32,
    index_full: AtomicU32,
    index_writes: AtomicU32,
    held: Mutex<Held>,
    released: Condvar,
    checkpoints: AtomicU32,
    full_checkpoints: AtomicU32,
    broken_checkpoints: AtomicU32,
    /// The databases into which a part of a log was moved; see `move_in_part`.
    in_part: Mutex<Vec<File>>,
    /// The length of a log at which a checkpoint is due, or 0 for the default.
    log_pages: AtomicU32,
    hanging: Mutex<bool>,
    goes_on: Condvar,
    recording: AtomicBool,
    record: Mutex<Record>,
}

/// The operations of a disk that hang.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Held {
    #[default]
    Nothing,
    Syncs,
    Everything,
}

impl Faults {
    /// Makes the next `count` commits fail.
    pub fn fail_commits(&self, count: u32) {
        self.commits.store(count, Ordering::SeqCst);
    }

    /// Makes the next `count` syncs fail.
    pub fn fail_syncs(&self, count: u32) {
        self.syncs.store(count, Ordering::SeqCst);
    }

    /// Makes syncs wait until the guard is dropped, like a disk that does not respond.
    #[must_use = "syncs hang for as long as this is kept"]
    pub fn hold_syncs(self: &Arc<Self>) -> HeldSyncs {
        self.hold(Held::Syncs)
    }

    /// Makes syncs wait like [`hold_syncs`](Self::hold_syncs), and also the close of a store and the alarm
    /// index.
    #[must_use = "the disk hangs for as long as this is kept"]
    pub fn hold_disk(self: &Arc<Self>) -> HeldSyncs {
        self.hold(Held::Everything)
    }

    fn hold(self: &Arc<Self>, held: Held) -> HeldSyncs {
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = held;
        HeldSyncs(self.clone())
    }

    /// Waits while the disk hangs.
    fn wait(&self, from: Held) {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.released.wait_while(held, |held| *held >= from));
    }

    /// Called when a store is about to be closed cleanly.
    pub(in crate::storage) fn close(&self) {
        self.wait(Held::Everything);
    }

    /// Makes the next `count` statements that write fail, as if the disk were full.
    pub fn fail_writes(&self, count: u32) {
        self.writes.store(count, Ordering::SeqCst);
    }

    /// Makes the next `count` statements that write fail, as if the disk were broken.
    pub fn break_writes(&self, count: u32) {
        self.disk_errors.store(count, Ordering::SeqCst);
    }

    /// Makes the next `count` writes to the alarm index fail, as if the disk were full.
    pub fn fail_index_writes(&self, count: u32) {
        self.index_full.store(count, Ordering::SeqCst);
    }

    /// Returns the number of attempted writes to the alarm index.
    pub fn index_writes(&self) -> u32 {
        self.index_writes.load(Ordering::SeqCst)
    }

    /// Makes every checkpoint wait until this is called with `false`, like a disk that does not respond.
    pub fn hang_checkpoints(&self, hang: bool) {
        *self.hanging.lock().unwrap_or_else(PoisonError::into_inner) = hang;
        self.goes_on.notify_all();
    }

    /// Makes the next `count` moves of a log into its database break off in the middle, as if the disk were
    /// full: in a checkpoint, when a store is closed, and when a store is opened that was not closed cleanly.
    ///
    /// After that a part of the log is in the database, and the whole log is still there.
    pub fn fail_checkpoints(&self, count: u32) {
        self.full_checkpoints.store(count, Ordering::SeqCst);
    }

    /// Has the same effect as [`fail_checkpoints`](Self::fail_checkpoints), as if the disk were broken.
    pub fn break_checkpoints(&self, count: u32) {
        self.broken_checkpoints.store(count, Ordering::SeqCst);
    }

    /// Sets the length of a log, in pages, at which stores that are opened from now on request a checkpoint.
    pub fn checkpoint_at(&self, pages: u32) {
        self.log_pages.store(pages, Ordering::SeqCst);
    }

    /// Returns the number of checkpoints that have begun.
    pub fn checkpoints(&self) -> u32 {
        self.checkpoints.load(Ordering::SeqCst)
    }

    /// Begins to record the content of the disk. Existing files count as flushed.
    ///
    /// Call it before the first store is opened.
    pub fn record(&self) {
        self.recording.store(true, Ordering::SeqCst);
    }

    /// Writes into the folder `into` a possible content of the folder `data` after a power failure.
    ///
    /// # Errors
    /// Fails when a file cannot be read or written.
    pub fn power_cut(&self, data: &Path, into: &Path, seed: u64) -> io::Result<()> {
        self.with(|record| record.power_cut(data, into, seed))
    }

    pub(in crate::storage) fn commit(&self) -> io::Result<()> {
        take(&self.commits).map_or(Ok(()), |()| Err(io::Error::other("a commit failed on request")))
    }

    /// Called when a store is about to move its log into the database.
    pub(in crate::storage) fn checkpoint(&self) {
        self.checkpoints.fetch_add(1, Ordering::SeqCst);
        let hanging = self.hanging.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.goes_on.wait_while(hanging, |hanging| *hanging));
    }

    /// Called when a log is about to be moved into its database.
    pub(in crate::storage) fn move_log(&self, database: &Path) -> Result<(), Box<SqlError>> {
        let kind = if take(&self.full_checkpoints).is_some() {
            SqlErrorKind::Full
        } else if take(&self.broken_checkpoints).is_some() {
            SqlErrorKind::Io
        } else {
            return Ok(());
        };
        let failed = |error: io::Error| SqlError::new(kind, format!("a checkpoint broke off: {error}"), "");
        let file = move_in_part(database).map_err(failed)?;
        if self.is_recording() {
            let bytes = unsynced::content(&file).map_err(failed)?;
            self.with(|record| record.moved_in_part(database, bytes));
        }
        self.in_part.lock().unwrap_or_else(PoisonError::into_inner).push(file);
        Err(SqlError::new(kind, "a checkpoint broke off on request", ""))
    }

    pub(in crate::storage) fn log_pages(&self) -> Option<u32> {
        Some(self.log_pages.load(Ordering::SeqCst)).filter(|pages| *pages > 0)
    }

    pub(in crate::storage) fn sync(&self) -> io::Result<()> {
        self.wait(Held::Syncs);
        take(&self.syncs).map_or(Ok(()), |()| Err(io::Error::other("a sync failed on request")))
    }

    pub(in crate::storage) fn write(&self) -> Result<(), Box<SqlError>> {
        if take(&self.writes).is_some() {
            return Err(SqlError::new(SqlErrorKind::Full, "a write failed on request", ""));
        }
        if take(&self.disk_errors).is_some() {
            return Err(SqlError::new(SqlErrorKind::Io, "a write failed on request", ""));
        }
        Ok(())
    }

    pub(in crate::storage) fn index_write(&self) -> Result<(), Box<SqlError>> {
        self.wait(Held::Everything);
        self.index_writes.fetch_add(1, Ordering::SeqCst);
        let full = || SqlError::new(SqlErrorKind::Full, "a write to the index failed on request", "");
        take(&self.index_full).map_or(Ok(()), |()| Err(full()))
    }

    pub(in crate::storage) fn is_recording(&self) -> bool {
        self.recording.load(Ordering::SeqCst)
    }

    /// Called when a store is about to open or close its file, which may move the log into the database.
    pub(in crate::storage) fn moving(&self, path: &Path) {
        if self.is_recording() {
            self.with(|record| record.moving(path));
        }
    }

    /// Called when a store has opened its file.
    pub(in crate::storage) fn opened(&self, path: &Path, fresh: Option<&UnsyncedFile>) {
        if let Some(bytes) = self.content(fresh) {
            let flushed = fresh.is_some_and(UnsyncedFile::is_flushed);
            self.with(|record| record.opened(path, bytes, flushed));
        }
    }

    /// Called when SQLite may have moved the log into the database.
    pub(in crate::storage) fn checkpointed(&self, path: &Path, fresh: Option<&UnsyncedFile>) {
        if let Some(bytes) = self.content(fresh) {
            self.with(|record| record.checkpointed(path, bytes));
        }
    }

    /// Called when a flush of a log is about to begin.
    pub(in crate::storage) fn before_flush(&self, database: &Path) -> Before {
        self.with(|record| record.before_flush(database))
    }

    /// Called when the log of a database was flushed.
    pub(in crate::storage) fn flushed_log(&self, database: &Path, before: Before) {
        self.with(|record| record.flushed_log(database, before));
    }

    /// Called when a database with this content was flushed.
    pub(in crate::storage) fn flushed_database(&self, path: &Path, content: Vec<u8>) {
        self.with(|record| record.flushed_database(path, content));
    }

    /// Called when the note that a database is new was removed.
    pub(in crate::storage) fn note_removed(&self, note: PathBuf) {
        self.with(|record| record.note_removed(note));
    }

    /// Returns the names in a folder. Called when a flush of the folder is about to begin.
    pub(in crate::storage) fn names_in(&self, folder: &Path) -> Vec<PathBuf> {
        power_failure::names_in(folder)
    }

    /// Called when a folder with these names was flushed.
    pub(in crate::storage) fn flushed_folder(&self, folder: &Path, names: Vec<PathBuf>) {
        self.with(|record| record.flushed_folder(folder, names));
    }

    /// Called when a store has closed its file.
    pub(in crate::storage) fn closed(&self, path: &Path) {
        self.with(|record| record.closed(path));
    }

    fn content(&self, fresh: Option<&UnsyncedFile>) -> Option<Vec<u8>> {
        if !self.is_recording() {
            return None;
        }
        fresh?.content().ok().flatten()
    }

    fn with<R>(&self, work: impl FnOnce(&mut Record) -> R) -> R {
        work(&mut self.record.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A disk that does not respond; see [`Faults::hold_syncs`].
#[derive(Debug)]
pub struct HeldSyncs(Arc<Faults>);

impl Drop for HeldSyncs {
    fn drop(&mut self) {
        *self.0.held.lock().unwrap_or_else(PoisonError::into_inner) = Held::Nothing;
        self.0.released.notify_all();
    }
}

/// Decrements the counter. Returns `None` if it is 0.
fn take(counter: &AtomicU32) -> Option<()> {
    counter.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok().then_some(())
}
