//! Brings commits to the disk.
//!
//! SQLite runs with a write-ahead log and `synchronous=NORMAL`: a commit appends to the file `…-wal` and does
//! not wait for the disk. The runtime waits instead, outside of the store and for many turns at once:
//! [`SyncHandle::sync`] flushes the `-wal` file through a descriptor of its own. After the sync, every commit
//! made before the call survives a power failure. The reasons are:
//!
//! - *A commit in the current log.* Its frames were written to the file before the call, so the flush covers
//!   them and the length of the file. The first sync after a log was made also flushes the name of the log in
//!   the folder. SQLite would flush the header and the name of an empty log before the first frame;
//!   `synchronous=OFF` prevents that until the first commit is made. Recovery accepts frames up to the first
//!   one with a wrong checksum or salt. So a flushed commit can be lost only if an earlier one was lost, and
//!   the earlier ones were flushed with it.
//! - *A commit in the log of an earlier store.* Closing moves the log into the database with the flushes of a
//!   checkpoint, then truncates the log, and sets its length to four bytes as a mark (`clean_close`), all
//!   under the lock of the connection. The truncation and the mark are not flushed. After a power failure the
//!   log may be whole again, and then leads to the same database. Or it may be empty, have its mark, or have
//!   the frames that the next store wrote to it. It never holds only the beginning of its old frames, which
//!   would set pages of the database back: file systems change the length of a file at once, and allocate
//!   other blocks when the file grows again. So the next store need not flush the header before its frames
//!   either, as SQLite would for old frames that were not truncated. The same holds for frames that a crash
//!   left in a log: opening moves and truncates them in the same way.
//! - *A commit that a checkpoint has moved into the database.* A commit never makes a checkpoint. The store
//!   requests one when the log is long, and it runs on a thread that may block. The checkpoint flushes the
//!   log, copies the pages, flushes the database, and only then allows the log to be reused. So when the log
//!   starts again from its beginning, all its old frames are durable in the database, and a flush need not
//!   cover them any more. The new header, with new salts, is flushed before new frames overwrite old ones. So
//!   recovery finds the whole old log, the new log up to some commit, or a broken header, which means the
//!   database without a log. An empty commit right after the checkpoint writes that header, on the same
//!   thread.
//! - *The right file.* After a flush, the paths of the database and its log must still lead to the open
//!   files. A sync fails if the folder was removed or moved. The log is removed when the last connection of
//!   another tool closes, and when the journal mode changes. The store itself is a connection, so it keeps
//!   the log open and prevents a change of the mode. The descriptor is a second one of the same file. SQLite
//!   holds its locks on the database file and not on the log, so closing the descriptor releases no lock.
//!   (Closing a second descriptor of the database file would: `unsynced` explains how the one for a new file
//!   is kept.)
//! - *A new database.* It is written without a flush. The first sync of its store flushes the database, then
//!   its name in the folder and the names of new folders. Then it removes the note that the database is new
//!   (`clean_close`), and then it flushes the log. So no write in the log is acknowledged before the database
//!   is on the disk. A store that is closed earlier flushes the same. A store that failed, or died with its
//!   process, leaves its log as it is, even an empty one. The next store sees from the log that the database
//!   may not be on the disk, and its first sync does the same again. A database whose log is a mark was
//!   closed cleanly, and the name of the log was flushed before the mark was set. A database without a log
//!   was closed cleanly by another tool or an older version. A mark that is back after a power failure is
//!   still true: before the first checkpoint after it, SQLite flushes the log that replaced it.
//! - *After a failed flush* the kernel may count pages as clean that never reached the disk, and a later
//!   flush would not write them. So the store has to be poisoned and dropped. Opening it again finds the log
//!   and makes a checkpoint first: the pages are written again and flushed, and the log starts empty.
//!
//! With `Durability::Process` there is no flush. The operating system has the log, which is enough if only
//! the process dies. The order of SQLite's own flushes at checkpoints still keeps the file consistent after a
//! power failure. A file that was made in this mode may be lost as a whole until the operating system has
//! written it, also for a later process with `Durability::Disk`.

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

/// A handle that makes commits durable, for any thread. Cheap to clone.
#[derive(Clone, Debug)]
pub struct SyncHandle {
    // `None` if a commit promises nothing beyond the process, or if there is no file yet.
    files: Option<Arc<Files>>,
    faults: Option<Arc<Faults>>,
}

/// The files that a sync flushes.
#[derive(Debug)]
struct Files {
    path: PathBuf,
    fresh: Option<Arc<UnsyncedFile>>,
    log: File,
    files: DatabaseFiles,
    flush: Flush,
    /// `true` if the name of the log in its folder is on the disk.
    named: AtomicBool,
}

impl Files {
    fn open(path: &Path, database: &Database) -> Result<Self> {
        let name = suffixed(path, "-wal");
        let log = File::options().write(true).open(&name);
        let log = log.map_err(|error| StorageError::io("open", &name, error))?;
        // The flush of an unsynced file also flushes its folder.
        let fresh = database.fresh.as_ref().is_some_and(|fresh| !fresh.is_flushed());
        let named = AtomicBool::new(fresh || database.log != WalStatus::Missing);
        Ok(Self {
            path: path.to_owned(),
            fresh: database.fresh.clone(),
            log,
            files: DatabaseFiles::of(path)?,
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
        // A descriptor continues to work after its file has lost its name.
        self.files.check()
    }
}

/// The identities of a database and its log, for checking that the paths still lead to them.
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

    /// Fails when one of the files was removed or replaced.
    fn check(&self) -> io::Result<()> {
        self.0.iter().try_for_each(|(path, found)| found.check(path))
    }
}

impl SyncHandle {
    /// Waits until every commit made before this call is as durable as the options promise.
    ///
    /// Call this method on a thread that may block. After an error, call [`Store::poison`] and open the store
    /// again: commits since the last successful sync may or may not be on the disk.
    ///
    /// # Errors
    /// Fails with the error of the disk, or when a file was removed or replaced.
    pub fn sync(&self) -> io::Result<()> {
        if let Some(faults) = &self.faults {
            faults.sync()?;
        }
        self.files.as_ref().map_or(Ok(()), |files| files.flush())
    }
}

/// The time after which a store checks its files again, if its commits promise nothing beyond the process.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);

impl Store {
    /// Checks from time to time that commits still reach files that can be found again, if no sync does so.
    pub(in crate::storage) fn check_files(&mut self) -> Result<()> {
        if self.options.durability == Durability::Disk {
            return Ok(());
        }
        match &mut self.files {
            None => self.files = Some((DatabaseFiles::of(&self.path)?, Instant::now())),
            Some((files, checked_at)) if checked_at.elapsed() >= CHECK_INTERVAL => {
                files.check().map_err(|error| StorageError::io("commit to", &self.path, error))?;
                *checked_at = Instant::now();
            }
            Some(_) => {}
        }
        Ok(())
    }

    /// Returns the handle that makes the commits of this store durable. The log is opened once, and the
    /// handle is then shared. A store without a file returns a handle that does nothing.
    ///
    /// # Errors
    /// Fails when the log cannot be opened.
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
