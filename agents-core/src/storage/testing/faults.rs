//! A test seam: storage that fails on request, and remembers what is on the disk.

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
/// For tests of what is above storage: put one into `StoreOptions::faults`, keep a clone of it.
///
/// # Power failures
///
/// From [`record`](Self::record) on it remembers what is on the disk for sure, and
/// [`power_cut`](Self::power_cut) writes a data folder as it may be found after a power failure at
/// that moment. What was flushed is known from the calls that flush, file by file and folder by folder, so a flush
/// that is left out counts for nothing. Simulated are:
///
/// - the log: what was in it when its last successful flush began is there; what was written
///   since is there or not in pieces of 512 bytes each, and its length is old, new or in between;
/// - its header, which SQLite flushes itself before it overwrites older frames;
/// - the database: what a flush of a new file, a checkpoint or a close left is there;
/// - a new file that was never flushed: it is missing, empty, all zeros, or made of
///   pieces that are there or zero; its log as above;
/// - names in a folder that was not flushed since they came: they are missing, the newer ones first; the note that a
///   file is new may be there again;
/// - the database after a checkpoint that broke off ([`break_checkpoints`](Self::break_checkpoints)): each piece is old
///   or new, and the log is there;
/// - a log that was cut when its store was opened or closed: it may be there again, whole, or be
///   empty, or have the mark of a store that closed well;
/// - the index of alarms, like any other database.
///
/// Not simulated are: a moment in the middle of a checkpoint that goes on; removed
/// databases that come back; sectors that are torn themselves; a disk that lies about flushes; anything under
/// [`Durability::Process`](crate::storage::Durability::Process), where syncs flush nothing.
///
/// Take it while no other thread uses the stores.
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
    /// Databases that a log was moved into in part: see `move_in_part`.
    in_part: Mutex<Vec<File>>,
    /// 0 for the usual length.
    log_pages: AtomicU32,
    hanging: Mutex<bool>,
    goes_on: Condvar,
    recording: AtomicBool,
    record: Mutex<Record>,
}

/// The part of a disk that hangs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Held {
    #[default]
    Nothing,
    Syncs,
    Everything,
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

    /// Lets syncs hang until the guard is dropped, as on a disk that does not answer.
    #[must_use = "syncs hang for as long as this is kept"]
    pub fn hold_syncs(self: &Arc<Self>) -> HeldSyncs {
        self.hold(Held::Syncs)
    }

    /// As [`hold_syncs`](Self::hold_syncs), and the end of a store and the index of alarms wait as well.
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

    /// A store is about to be closed well.
    pub(in crate::storage) fn close(&self) {
        self.wait(Held::Everything);
    }

    /// Lets the next `count` statements that write fail, as if the disk were full.
    pub fn fail_writes(&self, count: u32) {
        self.writes.store(count, Ordering::SeqCst);
    }

    /// Lets the next `count` statements that write fail, as if the disk were broken.
    pub fn break_writes(&self, count: u32) {
        self.disk_errors.store(count, Ordering::SeqCst);
    }

    /// Lets the next `count` writes to the index of alarms fail, as if the disk were full.
    pub fn fail_index_writes(&self, count: u32) {
        self.index_full.store(count, Ordering::SeqCst);
    }

    /// Returns how many times a write to the index of alarms was tried.
    pub fn index_writes(&self) -> u32 {
        self.index_writes.load(Ordering::SeqCst)
    }

    /// Lets every checkpoint hang until this is called with `false`, as a disk that does not answer would.
    pub fn hang_checkpoints(&self, hang: bool) {
        *self.hanging.lock().unwrap_or_else(PoisonError::into_inner) = hang;
        self.goes_on.notify_all();
    }

    /// Lets the next `count` times that a log is moved into its database break off in the middle, as if the disk were
    /// full: in a checkpoint, when a store is closed, and when one is opened that was not closed well.
    ///
    /// A part of the log is in the database then, and all of it still in the log.
    pub fn fail_checkpoints(&self, count: u32) {
        self.full_checkpoints.store(count, Ordering::SeqCst);
    }

    /// Does what [`fail_checkpoints`](Self::fail_checkpoints) does, as if the disk were broken.
    pub fn break_checkpoints(&self, count: u32) {
        self.broken_checkpoints.store(count, Ordering::SeqCst);
    }

    /// Lets stores that are opened from now on want a checkpoint when their log has `pages` pages.
    pub fn checkpoint_at(&self, pages: u32) {
        self.log_pages.store(pages, Ordering::SeqCst);
    }

    /// Returns how many checkpoints have begun.
    pub fn checkpoints(&self) -> u32 {
        self.checkpoints.load(Ordering::SeqCst)
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

    pub(in crate::storage) fn commit(&self) -> io::Result<()> {
        take(&self.commits).map_or(Ok(()), |()| Err(io::Error::other("a commit failed on request")))
    }

    /// A store is about to move its log into the database.
    pub(in crate::storage) fn checkpoint(&self) {
        self.checkpoints.fetch_add(1, Ordering::SeqCst);
        let hanging = self.hanging.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.goes_on.wait_while(hanging, |hanging| *hanging));
    }

    /// A log is about to be moved into its database.
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

    /// A store is about to open or close its file, which may move the log into the database.
    pub(in crate::storage) fn moving(&self, path: &Path) {
        if self.is_recording() {
            self.with(|record| record.moving(path));
        }
    }

    /// A store has opened its file.
    pub(in crate::storage) fn opened(&self, path: &Path, fresh: Option<&UnsyncedFile>) {
        if let Some(bytes) = self.content(fresh) {
            let flushed = fresh.is_some_and(UnsyncedFile::is_flushed);
            self.with(|record| record.opened(path, bytes, flushed));
        }
    }

    /// SQLite may have moved the log into the database.
    pub(in crate::storage) fn checkpointed(&self, path: &Path, fresh: Option<&UnsyncedFile>) {
        if let Some(bytes) = self.content(fresh) {
            self.with(|record| record.checkpointed(path, bytes));
        }
    }

    /// A flush of a log is about to begin.
    pub(in crate::storage) fn before_flush(&self, database: &Path) -> Before {
        self.with(|record| record.before_flush(database))
    }

    /// The log of a database was flushed.
    pub(in crate::storage) fn flushed_log(&self, database: &Path, before: Before) {
        self.with(|record| record.flushed_log(database, before));
    }

    /// A database was flushed that had this content.
    pub(in crate::storage) fn flushed_database(&self, path: &Path, content: Vec<u8>) {
        self.with(|record| record.flushed_database(path, content));
    }

    /// The note that a database is new was taken away.
    pub(in crate::storage) fn note_removed(&self, note: PathBuf) {
        self.with(|record| record.note_removed(note));
    }

    /// The names in a folder, as a flush of it is about to begin.
    pub(in crate::storage) fn names_in(&self, folder: &Path) -> Vec<PathBuf> {
        power_failure::names_in(folder)
    }

    /// A folder was flushed that had these names.
    pub(in crate::storage) fn flushed_folder(&self, folder: &Path, names: Vec<PathBuf>) {
        self.with(|record| record.flushed_folder(folder, names));
    }

    /// A store has closed its file.
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

/// A disk that does not answer; see [`Faults::hold_syncs`].
#[derive(Debug)]
pub struct HeldSyncs(Arc<Faults>);

impl Drop for HeldSyncs {
    fn drop(&mut self) {
        *self.0.held.lock().unwrap_or_else(PoisonError::into_inner) = Held::Nothing;
        self.0.released.notify_all();
    }
}

/// Takes one off, if there is one.
fn take(counter: &AtomicU32) -> Option<()> {
    counter.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok().then_some(())
}
