//! When a commit is on the disk.
//!
//! SQLite runs with a write-ahead log and `synchronous=NORMAL`: a commit appends to the file
//! `…-wal` and does not wait for the disk. The wait is ours, outside of the store and for many
//! turns at once: [`SyncHandle::sync`] flushes the `-wal` file through a descriptor of its own.
//! After it every commit made before the call survives a power failure. Why that holds:
//!
//! - *A commit in the current log.* Its frames were written to the file before the call, so the
//!   flush covers them and the length of the file. SQLite flushes the log's header, and with it
//!   the name of a log that it has just made, before the first frame (`synchronous=NORMAL` keeps
//!   that); recovery accepts frames up to the first whose checksum or salt is wrong, so a
//!   flushed commit can be lost only if one before it was, and those were flushed with it.
//! - *A commit that a checkpoint has moved into the database.* A checkpoint flushes the log, then
//!   copies pages, then flushes the database, and only then says that the log may be reused. So
//!   when the log starts again from its beginning, all that it held is in the database for good,
//!   and it does not matter that our flush no longer finds the old frames. The new header, with
//!   new salts, is flushed before new frames overwrite old ones: recovery sees the old log whole,
//!   the new one up to some commit, or a broken header, which means the database as it stands.
//! - *The right file.* The log is removed when the last connection closes, and when the journal
//!   mode changes; the store is a connection, keeps it open and lets nobody change the mode. The
//!   descriptor is a second one of the same file. SQLite holds its locks on the database file and
//!   not on the log, so closing ours drops none of them. (The store never opens the database file
//!   itself a second time: that would.)
//! - *After a failed flush* the kernel may count pages as clean that never reached the disk, and a
//!   later flush would not write them. The store has to be poisoned and dropped then. Opening it
//!   again finds the log, and the first thing is a checkpoint: the pages are written anew and
//!   flushed, and the log starts empty.
//!
//! With `Durability::Process` there is no flush. The log is with the operating system, which is
//! enough if only the process dies, and SQLite's own order of flushes at checkpoints still keeps
//! the file consistent after a power failure.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;

use super::create::suffixed;
use super::error::StorageError;
use super::fault::Faults;
use super::options::Durability;
use super::store::Store;
use super::{Result, StoreOptions};

/// Makes commits last; cheap to clone, for any thread.
#[derive(Clone, Debug)]
pub struct SyncHandle {
    // `None` where a commit promises nothing beyond the process.
    log: Option<Arc<File>>,
    faults: Option<Arc<Faults>>,
}

impl SyncHandle {
    fn open(path: &Path, options: &StoreOptions) -> Result<Self> {
        let log = match options.durability {
            Durability::Process => None,
            Durability::Disk => {
                let path = suffixed(path, "-wal");
                let file = File::options()
                    .write(true)
                    .open(&path)
                    .map_err(|error| StorageError::io("open", &path, error))?;
                Some(Arc::new(file))
            }
        };
        Ok(Self { log, faults: options.faults.clone() })
    }

    /// Waits until every commit made before this call is as durable as the options promise.
    ///
    /// Call it on a thread that may block. When it fails, call [`Store::poison`] and open the
    /// store again: what was committed since the last good sync may or may not be there.
    ///
    /// # Errors
    /// Whatever the disk reports.
    pub fn sync(&self) -> io::Result<()> {
        if let Some(faults) = &self.faults {
            faults.sync()?;
        }
        match &self.log {
            Some(log) => log.sync_data(),
            None => Ok(()),
        }
    }
}

impl Store {
    /// Returns what makes this store's commits last. It is opened once and then shared.
    ///
    /// # Errors
    /// When the log cannot be opened.
    pub fn sync_handle(&mut self) -> Result<SyncHandle> {
        if let Some(handle) = &self.sync {
            return Ok(handle.clone());
        }
        let handle = SyncHandle::open(&self.path, &self.options)?;
        self.sync = Some(handle.clone());
        Ok(handle)
    }
}
