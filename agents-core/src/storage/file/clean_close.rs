//! The marks beside a database: its log tells how it was closed, and a file tells that it is new.
//!
//! A store that closes well leaves a log of four bytes. SQLite never leaves one of that size: its
//! header alone is longer, and written at once. It takes such a log for empty and writes the first
//! commit over it. So the size tells, whatever the bytes are, and the file need not be made anew at
//! each wake, which costs much where many files come and go.
//!
//! Before a database is made its log gets a second name, that of the database with `-new` behind it, and after the
//! first flush of the database that name goes. A name costs much less than a file. So a database that is cut short beside such a file was never whole, and nothing in it
//! was promised; without one, it was whole once, and is damaged. File systems keep the order in which a folder got
//! and lost its names.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use super::create::suffixed;

/// The size of the log of a database that was closed well.
pub(in crate::storage) const MARK: u64 = 4;

/// The suffix that stands behind the name of a database while it is made.
pub(in crate::storage) const NEW: &str = "-new";

/// The log of a database, as it is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::storage) enum WalStatus {
    /// None, not even its name: the database was closed well, by another tool or an older version.
    Missing,
    /// The mark: the database was closed well and flushed before.
    Closed,
    /// Anything else: nobody knows whether the database was ever flushed.
    Left {
        /// Whether there is nothing in it.
        empty: bool,
    },
    /// Empty and just made, with its database: never found, only made.
    New,
}

impl WalStatus {
    /// Looks at the log of a database.
    pub(in crate::storage) fn of(database: &Path) -> Self {
        match fs::metadata(suffixed(database, "-wal")).map(|log| log.len()) {
            Err(_) => Self::Missing,
            Ok(MARK) => Self::Closed,
            Ok(size) => Self::Left { empty: size == 0 },
        }
    }

    /// Whether the database was closed well.
    pub(in crate::storage) fn closed_cleanly(self) -> bool {
        matches!(self, Self::Missing | Self::Closed)
    }

    /// Whether the log is known to have no frames, so that the first commit need not be flushed
    /// before the next.
    pub(in crate::storage) fn is_empty(self) -> bool {
        self.closed_cleanly() || matches!(self, Self::New | Self::Left { empty: true })
    }
}

/// Notes that a database is about to be made, or to go. The folder must be there, and better the log as well.
pub(in crate::storage) fn making(database: &Path) -> io::Result<()> {
    let note = suffixed(database, NEW);
    match fs::hard_link(suffixed(database, "-wal"), &note) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            // Without a log, or on a file system without links.
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

/// Returns whether a database was never known to be whole on the disk: nothing in it was promised.
pub(in crate::storage) fn is_new(database: &Path) -> bool {
    suffixed(database, NEW).exists()
}

/// Marks a database as closed well. It must have been flushed, and be locked.
///
/// A log that is longer than the mark is left as it is: something is in it.
pub(in crate::storage) fn mark(database: &Path) -> io::Result<()> {
    let log = File::options().write(true).open(suffixed(database, "-wal"))?;
    // No byte is written: that would take a block on the disk.
    if log.metadata()?.len() < MARK { log.set_len(MARK) } else { Ok(()) }
}
