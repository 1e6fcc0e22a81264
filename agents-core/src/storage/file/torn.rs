//! Files of new objects that a power failure cut short.
//!
//! A new database is written without waiting for the disk; the first sync of its store flushes
//! it, and nothing is acknowledged before. So after a power failure there may be a file that got
//! its length but not all of its content, or only a part of its length. Such a file holds nothing
//! that was ever promised, and the object counts as one that was never made.
//!
//! The rule has to be strict, because a file that was damaged later must not be taken for one.
//! Only a file that is noted as new (`mark`) is looked at: one that was flushed once is not. Then a
//! torn creation is not longer than the new database of this very object, every sector of it is
//! either that of the new database or all zeros, and something is missing. A file that a
//! checkpoint has written rows to differs from the new database in a sector that is not zero.

use std::fs;
use std::path::{Path, PathBuf};

use super::clean_close;
use super::create::suffixed;
use super::template::database_of;
use crate::storage::Result;
use crate::storage::error::StorageError;

/// The smallest piece that a disk writes whole.
const SECTOR: usize = 512;
/// Two times of creation with no byte in common, both six bytes long as all times are from 1978
/// to 6429.
const TIMES: [i64; 2] = [0x0101_0101_0101, 0x0202_0202_0202];

/// Says whether a file is what a power failure may leave of the new database of an object.
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

/// `one` and `other` differ where the time of the creation stands, which may be any.
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

/// Moves a database and its log to a name that no object uses; returns the new name.
pub(in crate::storage) fn set_aside(path: &Path) -> Result<PathBuf> {
    let target = (1_u32..)
        .map(|n| suffixed(path, &format!(".torn-{n}")))
        .find(|target| !target.exists() && !suffixed(target, "-wal").exists())
        .unwrap_or_else(|| suffixed(path, ".torn"));
    // The database first: what is left of a log alone is put aside when a new database is made, a
    // database without its log would be taken for one that was closed well.
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
