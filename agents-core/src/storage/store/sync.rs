//! When a commit is on the disk.
//!
//! SQLite runs with a write-ahead log and `synchronous=NORMAL`: a commit appends to the file
//! `…-wal` and does not wait for the disk. The wait is ours, outside of the store and for many
//! turns at once: [`SyncHandle::sync`] flushes the `-wal` file through a descriptor of its own.
//! After it every commit made before the call survives a power failure. Why that holds:
//!
//! - *A commit in the current log.* Its frames were written to the file before the call, so the
//!   flush covers them and the length of the file. The first sync after a log was made flushes
//!   its name in the folder as well; SQLite, which would flush the header and the name of an empty
//!   log before its first frame, is kept from that by `synchronous=OFF` until the first commit is
//!   made. Recovery accepts frames up to the
//!   first whose checksum or salt is wrong, so a flushed commit can be lost only if one before it
//!   was, and those were flushed with it.
//! - *A commit in the log of an earlier store.* Closing moves the log into the database with the
//!   flushes of a checkpoint, then cuts it to nothing, and makes it four bytes long as a mark
//!   (`mark`), all under the lock of the connection. None of the cuts is flushed. After a power
//!   failure the log may be whole again, and brings the database to where it is; or be empty, or
//!   have its mark; or have what the next store wrote to it. It is never a beginning of its old
//!   frames, which would take pages of the database back: file systems bring a file to its new
//!   length at once, and give it other blocks when it grows again. So the next store need not flush
//!   its header before its frames either, as SQLite would over old frames that were not cut. The
//!   same holds for what a crash left in a log: opening moves and cuts it in the same way.
//! - *A commit that a checkpoint has moved into the database.* No commit makes one: the store asks
//!   for it when the log is long, and it is made on a thread that may block. It flushes the log, then
//!   copies pages, then flushes the database, and only then says that the log may be reused. So
//!   when the log starts again from its beginning, all that it held is in the database for good,
//!   and it does not matter that our flush no longer finds the old frames. The new header, with
//!   new salts, is flushed before new frames overwrite old ones: recovery sees the old log whole,
//!   the new one up to some commit, or a broken header, which means the database as it stands.
//!   An empty commit right after the checkpoint does that, on its thread.
//! - *The right file.* After a flush the paths of the database and of its log must still lead to the files that are
//!   open; a folder that was removed or moved fails the sync. The log is removed when the last connection of another tool closes, and when
//!   the journal mode changes; the store is a connection, keeps it open and lets nobody change the
//!   mode. The
//!   descriptor is a second one of the same file. SQLite holds its locks on the database file and
//!   not on the log, so closing ours drops none of them. (Closing a second descriptor of the
//!   database file would: `fresh` says how the one for a new file is kept.)
//! - *A new database.* It is written without a flush. The first sync of its store flushes the
//!   database, then its name in the folder and the names of new folders, takes away the note that it
//!   is new (`mark`), and then flushes the log, so
//!   nothing in the log is acknowledged before there is a database to apply it to. A store that is
//!   closed before that flushes the same. One that failed, or dies with its process, leaves its
//!   log as it is, even an empty one; the next store sees by it that the database may not be on
//!   the disk, and its first sync does the same again. A database whose log is a mark was closed
//!   well, and the name of the log was flushed before the mark was set; one without a log was
//!   closed well by another tool or an older version. A mark that comes back after a power failure
//!   is still true: before the first checkpoint after it, SQLite flushes the log that took its
//!   place.
//! - *After a failed flush* the kernel may count pages as clean that never reached the disk, and a
//!   later flush would not write them. The store has to be poisoned and dropped then. Opening it
//!   again finds the log, and the first thing is a checkpoint: the pages are written anew and
//!   flushed, and the log starts empty.
//!
//! With `Durability::Process` there is no flush. The log is with the operating system, which is
//! enough if only the process dies, and SQLite's own order of flushes at checkpoints still keeps
//! the file consistent after a power failure. A file that was made so may be lost as a whole, also
//! to a later process that promises more, until the operating system has written it.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::Store;
use super::flush::Flush;
use crate::storage::Result;
use crate::storage::error::StorageError;
use crate::storage::file::clean_close::WalStatus;
use crate::storage::file::create::{parent_of, suffixed};
use crate::storage::file::identity::Identity;
use crate::storage::file::open::Database;
use crate::storage::file::unsynced::UnsyncedFile;
use crate::storage::options::Durability;
use crate::storage::testing::faults::Faults;

/// Makes commits last; cheap to clone, for any thread.
#[derive(Clone, Debug)]
pub struct SyncHandle {
    // `None` where a commit promises nothing beyond the process, or there is no file yet.
    files: Option<Arc<Files>>,
    faults: Option<Arc<Faults>>,
}

/// What a sync flushes.
#[derive(Debug)]
struct Files {
    path: PathBuf,
    fresh: Option<Arc<UnsyncedFile>>,
    log: File,
    place: DatabaseFiles,
    flush: Flush,
    /// Whether the name of the log in its folder is on the disk.
    named: AtomicBool,
}

impl Files {
    fn open(path: &Path, database: &Database) -> Result<Self> {
        let name = suffixed(path, "-wal");
        let log = File::options().write(true).open(&name);
        let log = log.map_err(|error| StorageError::io("open", &name, error))?;
        // Flushing a fresh file flushes the folder as well.
        let fresh = database.fresh.as_ref().is_some_and(|fresh| !fresh.is_flushed());
        let named = AtomicBool::new(fresh || database.log != WalStatus::Missing);
        Ok(Self {
            path: path.to_owned(),
            fresh: database.fresh.clone(),
            log,
            place: DatabaseFiles::of(path)?,
            flush: database.flush.clone(),
            named,
        })
    }

    fn flush(&self) -> io::Result<()> {
        if let Some(fresh) = &self.fresh {
            fresh.flush()?;
        }
        self.flush.log(&self.log, &self.path)?;
        if !self.named.load(Ordering::Relaxed) {
            self.flush.folder(&parent_of(&self.path))?;
            self.named.store(true, Ordering::Relaxed);
        }
        // A descriptor goes on working when its file has no name any more.
        self.place.check()
    }
}

/// A database and its log, which their paths have to lead to.
#[derive(Debug)]
pub(in crate::storage) struct DatabaseFiles([(PathBuf, Identity); 2]);

impl DatabaseFiles {
    fn of(database: &Path) -> Result<Self> {
        let find = |path: PathBuf| match Identity::of(&path) {
            Ok(found) => Ok((path, found)),
            Err(error) => Err(StorageError::io("find", &path, error)),
        };
        Ok(Self([find(database.to_owned())?, find(suffixed(database, "-wal"))?]))
    }

    /// Fails when one of them was removed or replaced.
    fn check(&self) -> io::Result<()> {
        self.0.iter().try_for_each(|(path, found)| found.check(path))
    }
}

impl SyncHandle {
    /// Waits until every commit made before this call is as durable as the options promise.
    ///
    /// Call it on a thread that may block. When it fails, call [`Store::poison`] and open the
    /// store again: what was committed since the last good sync may or may not be there.
    ///
    /// # Errors
    /// Whatever the disk reports, and that a file was removed or replaced.
    pub fn sync(&self) -> io::Result<()> {
        if let Some(faults) = &self.faults {
            faults.sync()?;
        }
        self.files.as_ref().map_or(Ok(()), |files| files.flush())
    }
}

/// The time after which a store looks again at its files, if their commits promise nothing beyond the
/// process.
const LOOK: Duration = Duration::from_secs(1);

impl Store {
    /// Looks from time to time, where no sync does, whether commits still go to files that can be found again.
    pub(in crate::storage) fn check_place(&mut self) -> Result<()> {
        if self.options.durability == Durability::Disk {
            return Ok(());
        }
        match &mut self.place {
            None => self.place = Some((DatabaseFiles::of(&self.path)?, Instant::now())),
            Some((place, looked)) if looked.elapsed() >= LOOK => {
                place.check().map_err(|error| StorageError::io("commit to", &self.path, error))?;
                *looked = Instant::now();
            }
            Some(_) => {}
        }
        Ok(())
    }

    /// Returns what makes this store's commits last. It is opened once and then shared; a store
    /// that has no file yet returns one that has nothing to do.
    ///
    /// # Errors
    /// When the log cannot be opened.
    pub fn sync_handle(&mut self) -> Result<SyncHandle> {
        if let Some(handle) = &self.sync {
            return Ok(handle.clone());
        }
        let mut handle = SyncHandle { files: None, faults: self.options.faults.clone() };
        let Some(database) = &self.database else { return Ok(handle) };
        if self.options.durability == Durability::Disk {
            handle.files = Some(Arc::new(Files::open(&self.path, database)?));
        }
        self.sync = Some(handle.clone());
        Ok(handle)
    }
}
