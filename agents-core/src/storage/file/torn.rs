//! Detects files of new objects that were only partly written before a power failure.
//!
//! A new database is written without waiting for the disk. The first sync of its store flushes it, and no
//! write is acknowledged before. So after a power failure there may be a file with its full length and only a
//! part of its content, or with only a part of its length. Such a file holds nothing that was promised, and
//! the object counts as never made.
//!
//! The rule is strict, because a file that was damaged later must not match it. Only a file that is marked as
//! new (`clean_close`) is checked; a file that was flushed once is not marked. A torn file is not longer than
//! the new database of the same object, each of its sectors is that of the new database or all zeros, and at
//! least one sector is missing. A file to which a checkpoint has written rows differs from the new database
//! in a sector that is not zero.

use std::fs;
use std::path::{Path, PathBuf};

use super::clean_close;
use super::create::suffixed;
use super::template::database_of;
use crate::storage::Result;
use crate::storage::error::StorageError;

/// The smallest unit that a disk writes completely.
const SECTOR: usize = 512;
/// Two times of creation that have no byte in common. Both have six bytes, like all times from 1978 to 6429.
const TIMES: [i64; 2] = [0x0101_0101_0101, 0x0202_0202_0202];

/// Returns whether a file may be the rest of a new database of an object after a power failure.
pub(in crate::storage) fn is_torn(path: &Path, class: &str, name: &str) -> Result<bool> {
    if !clean_close::is_new(path) {
        return Ok(false);
    }
    let [one, other] = TIMES;
    let expected = database_of(class, name, one)?;
    let length = fs::metadata(path).map_err(|error| StorageError::io("read", path, error))?.len();
    if length > expected.len() as u64 {
        return Ok(false);
    }
    let found = fs::read(path).map_err(|error| StorageError::io("read", path, error))?;
    Ok(matches(&found, &expected, &database_of(class, name, other)?))
}

/// Returns whether the content of a file matches a torn new database. `one` and `other` differ only in the
/// bytes of the time of creation, which may have any value.
fn matches(found: &[u8], one: &[u8], other: &[u8]) -> bool {
    if found.len() > one.len() || one.len() != other.len() {
        return false;
    }
    let mut missing = found.len() < one.len();
    let sectors = found.chunks(SECTOR).zip(one.chunks(SECTOR).zip(other.chunks(SECTOR)));
    for (found, (one, other)) in sectors {
        let same =
            found.iter().zip(one.iter().zip(other)).all(|(found, (one, other))| found == one || one != other);
        if found.iter().all(|byte| *byte == 0) {
            missing |= one.iter().any(|byte| *byte != 0);
        } else if !same {
            return false;
        }
    }
    missing
}

/// Moves a database and its log to a name that no object uses. Returns the new name.
pub(in crate::storage) fn set_aside(path: &Path) -> Result<PathBuf> {
    let target = (1_u32..)
        .map(|n| suffixed(path, &format!(".torn-{n}")))
        .find(|target| !target.exists() && !suffixed(target, "-wal").exists())
        .unwrap_or_else(|| suffixed(path, ".torn"));
    // The database is moved first. A log that is left alone is moved aside when a new database is made. A
    // database without its log would count as closed cleanly.
    for suffix in ["", "-wal"] {
        let (from, to) = (suffixed(path, suffix), suffixed(&target, suffix));
        match fs::rename(&from, &to) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(StorageError::io("move aside", &from, error));
            }
            _ => {}
        }
    }
    Ok(target)
}
