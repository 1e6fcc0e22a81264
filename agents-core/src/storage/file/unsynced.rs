//! A database file that may not be on the disk yet.
//!
//! A flush needs a descriptor of the database file. Closing any descriptor of a file releases all POSIX locks
//! that the process holds on it, including those of SQLite. So the descriptor belongs to the store and is
//! closed after the connection. It is opened before SQLite opens a new file, or while SQLite has a file open
//! that was not closed cleanly. It is never closed in between. A handle that outlives the store finds no
//! descriptor. Closing waits for a running flush.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::create::parent_of;
use crate::storage::Result;
use crate::storage::error::StorageError;
use crate::storage::store::flush::Flush;

/// A database file, and the folders whose entries lead to it, before their first flush.
#[derive(Debug)]
pub(in crate::storage) struct UnsyncedFile {
    path: PathBuf,
    flush: Flush,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    /// `None` if no flush is promised, or if the store has been closed.
    file: Option<File>,
    folders: Vec<PathBuf>,
    flushed: bool,
}

impl UnsyncedFile {
    pub(in crate::storage) fn new(
        path: &Path,
        file: Option<File>,
        folders: Vec<PathBuf>,
        flush: Flush,
    ) -> Self {
        Self { path: path.to_owned(), flush, inner: Mutex::new(Inner { file, folders, flushed: false }) }
    }

    /// Opens a second descriptor of a file that was not closed cleanly, so that it may never have been
    /// flushed.
    ///
    /// `rewrite` writes the content of the file again. After a failed flush the kernel may count pages as
    /// written, and a second flush would skip them. No other connection may have the file open.
    pub(in crate::storage) fn adopt(path: &Path, rewrite: bool, flush: Flush) -> Result<Self> {
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
        Ok(Self::new(path, Some(file), vec![folder, above], flush))
    }

    /// Opens a second descriptor of a file that is on the disk, only to read it.
    pub(in crate::storage) fn observe(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(|error| StorageError::io("open", path, error))?;
        let fresh = Self::new(path, Some(file), Vec::new(), Flush::default());
        fresh.lock().flushed = true;
        Ok(fresh)
    }

    /// Flushes the file and the names of its folders, once.
    pub(in crate::storage) fn flush(&self) -> io::Result<()> {
        let mut inner = self.lock();
        if inner.flushed {
            return Ok(());
        }
        let Some(file) = &inner.file else { return Ok(()) };
        self.flush.database(file, &self.path)?;
        for folder in &inner.folders {
            self.flush.folder(folder)?;
        }
        // From here on the file holds content that was promised.
        self.flush.made(&self.path)?;
        self.flush.named(&parent_of(&self.path));
        inner.flushed = true;
        Ok(())
    }

    pub(in crate::storage) fn is_flushed(&self) -> bool {
        self.lock().flushed
    }

    /// Closes the descriptor. The connection must be closed before.
    pub(in crate::storage) fn close(&self) {
        self.lock().file = None;
    }

    /// Reads the file without SQLite, for tests that record the content of the disk.
    pub(in crate::storage) fn content(&self) -> io::Result<Option<Vec<u8>>> {
        let inner = self.lock();
        inner.file.as_ref().map(content).transpose()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads a file through an open descriptor.
pub(in crate::storage) fn content(mut file: &File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}
