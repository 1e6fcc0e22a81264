//! A database file that may not be on the disk yet.
//!
//! Whoever flushes it needs a descriptor of the database file, and closing any descriptor of a
//! file drops all POSIX locks that the process has on it, those of SQLite too. So the descriptor
//! stays with the store and is closed after its connection: opened before SQLite opens the file
//! (a new file) or while SQLite has it (a file that was not closed well), never closed in between.
//! A handle that outlives the store finds it gone. Closing waits for a flush that is under way.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::Result;
use super::create::{parent_of, sync_folder};
use super::error::StorageError;

/// A database file, and the folders whose entries lead to it, before their first flush.
#[derive(Debug)]
pub(super) struct Fresh(Mutex<Inner>);

#[derive(Debug)]
struct Inner {
    /// `None` where no flush is promised, and when the store has been closed.
    file: Option<File>,
    folders: Vec<PathBuf>,
    flushed: bool,
}

impl Fresh {
    pub(super) fn new(file: Option<File>, folders: Vec<PathBuf>) -> Self {
        Self(Mutex::new(Inner { file, folders, flushed: false }))
    }

    /// Takes a file in that was not closed well: nobody knows whether it was ever flushed.
    ///
    /// `rewrite` writes its content anew. A flush that failed leaves pages that the kernel counts
    /// as written, and a second flush would pass them over. Nobody else may have the file open.
    pub(super) fn adopt(path: &Path, rewrite: bool) -> Result<Self> {
        let open = || {
            let mut file = File::options().read(true).write(true).open(path)?;
            if rewrite {
                let mut bytes = Vec::new();
                file.read_to_end(&mut bytes)?;
                file.rewind()?;
                file.write_all(&bytes)?;
            }
            Ok(file)
        };
        let file = open().map_err(|error| StorageError::io("open", path, error))?;
        // The folder of the class may be as new as the file.
        let folder = parent_of(path);
        let above = parent_of(&folder);
        Ok(Self::new(Some(file), vec![folder, above]))
    }

    /// Takes a file in that is on the disk, only to look at it.
    pub(super) fn observe(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(|error| StorageError::io("open", path, error))?;
        Ok(Self(Mutex::new(Inner { file: Some(file), folders: Vec::new(), flushed: true })))
    }

    /// Flushes the file and the way to it, once.
    pub(super) fn flush(&self) -> io::Result<()> {
        let mut inner = self.lock();
        if inner.flushed {
            return Ok(());
        }
        let Some(file) = &inner.file else { return Ok(()) };
        file.sync_all()?;
        for folder in &inner.folders {
            sync_folder(folder)?;
        }
        inner.flushed = true;
        Ok(())
    }

    pub(super) fn is_flushed(&self) -> bool {
        self.lock().flushed
    }

    /// Closes the descriptor. The connection must be closed already.
    pub(super) fn close(&self) {
        self.lock().file = None;
    }

    /// Reads the file past SQLite, for tests that record what is on the disk.
    pub(super) fn content(&self) -> io::Result<Option<Vec<u8>>> {
        let inner = self.lock();
        let Some(mut file) = inner.file.as_ref() else { return Ok(None) };
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(0))?;
        file.read_to_end(&mut bytes)?;
        Ok(Some(bytes))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
