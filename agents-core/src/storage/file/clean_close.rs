//! The marks beside a database: the length of its log shows how it was closed, and a second file shows that
//! it is new.
//!
//! A store that closes cleanly leaves a log of four bytes. SQLite never leaves a log of this length: its
//! header alone is longer, and is written at once. SQLite treats the short log as empty and overwrites it
//! with the first commit. So the length is the mark, whatever the bytes are. The log need not be created
//! again at each wake, which would be expensive where many files come and go.
//!
//! Before a database is made, its log gets a second name: the name of the database with the suffix `-new`.
//! After the first flush of the database this name is removed. A name costs much less than a file. A
//! truncated database beside such a name was never whole, and nothing in it was promised. Without such a name
//! the database was whole once and is now damaged. File systems keep the order in which the names of a folder
//! are added and removed.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use super::create::suffixed;

/// The size of the log of a database that was closed cleanly.
pub(in crate::storage) const MARK: u64 = 4;

/// The suffix of the second name of the log while a database is made.
pub(in crate::storage) const NEW: &str = "-new";

/// The state of the log of a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::storage) enum WalStatus {
    /// There is no log. The database was closed cleanly by another tool or by an older version.
    Missing,
    /// The log is the mark. The database was flushed and closed cleanly.
    Closed,
    /// The log is anything else. It is not known whether the database was ever flushed.
    Left {
        /// `true` if the log has no bytes.
        empty: bool,
    },
    /// The log is empty and was just made with its database. This state is never found in a folder.
    New,
}

impl WalStatus {
    /// Returns the state of the log of a database.
    pub(in crate::storage) fn of(database: &Path) -> Self {
        match fs::metadata(suffixed(database, "-wal")).map(|log| log.len()) {
            Err(_) => Self::Missing,
            Ok(MARK) => Self::Closed,
            Ok(size) => Self::Left { empty: size == 0 },
        }
    }

    /// Returns whether the database was closed cleanly.
    pub(in crate::storage) fn closed_cleanly(self) -> bool {
        matches!(self, Self::Missing | Self::Closed)
    }

    /// Returns whether the log is known to have no frames, so that the first commit need not be flushed
    /// before the next one.
    pub(in crate::storage) fn is_empty(self) -> bool {
        self.closed_cleanly() || matches!(self, Self::New | Self::Left { empty: true })
    }
}

/// Notes that a database is about to be made or removed. The folder must exist, and so should the log.
pub(in crate::storage) fn making(database: &Path) -> io::Result<()> {
    let note = suffixed(database, NEW);
    match fs::hard_link(suffixed(database, "-wal"), &note) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            // There is no log, or the file system has no links.
            File::options().write(true).create(true).truncate(false).open(note).map(drop)
        }
        _ => Ok(()),
    }
}

/// Notes that a database was made and is on the disk.
pub(in crate::storage) fn made(database: &Path) -> io::Result<()> {
    match fs::remove_file(suffixed(database, NEW)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Returns whether a database was never known to be whole on the disk, so that nothing in it was promised.
pub(in crate::storage) fn is_new(database: &Path) -> bool {
    suffixed(database, NEW).exists()
}

/// Marks a database as closed cleanly. The database must be flushed and locked.
///
/// A log that is longer than the mark stays as it is, because it has content.
pub(in crate::storage) fn mark(database: &Path) -> io::Result<()> {
    let log = File::options().write(true).open(suffixed(database, "-wal"))?;
    // No byte is written, because that would take a block on the disk.
    if log.metadata()?.len() < MARK { log.set_len(MARK) } else { Ok(()) }
}
