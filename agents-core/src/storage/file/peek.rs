//! Reads the metadata of a file that may be open elsewhere, and the alarm of a file that is closed.

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::clean_close::{WalStatus, is_new};
use super::open::exists;
use super::schema::{check_roots, read_meta};
use crate::storage::Result;
use crate::storage::error::{SqlError, SqlErrorKind, StorageError};
use crate::storage::tables::alarm::{self, Alarm};

/// Reads the name in a file that a store may have open, and checks that the tables of the runtime exist.
///
/// The name never changes, so it can be read without a lock. A checkpoint may move pages meanwhile, or the
/// file may just be being made. So a file that looks damaged is read again.
pub(in crate::storage) fn peek(path: &Path) -> Result<String> {
    let mut looks = 0;
    loop {
        match peek_once(path) {
            Err(_) if looks < 5 && path.exists() => {
                looks += 1;
                std::thread::sleep(Duration::from_millis(2));
            }
            result => return result,
        }
    }
}

fn peek_once(path: &Path) -> Result<String> {
    let mut uri = String::from("file:");
    for byte in path.as_os_str().as_encoded_bytes() {
        if byte.is_ascii_alphanumeric() || b"/-_.~".contains(byte) {
            uri.push(char::from(*byte));
        } else {
            uri.push_str(&format!("%{byte:02x}"));
        }
    }
    uri.push_str("?mode=ro&immutable=1");
    let connection = Connection::open_with_flags(
        uri,
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )
    .map_err(|error| SqlError::from_sqlite(error, ""))?;
    let meta = read_meta(&connection)?;
    check_roots(&connection)?;
    Ok(meta.name)
}

/// Reads the alarm of an object that is not in memory. Nothing is changed.
///
/// Commits in the log count, and the log stays as it is for the next store that opens the file.
///
/// # Errors
/// Fails like [`Store::open`](crate::storage::Store::open), and with
/// [`SqlErrorKind::Busy`](crate::storage::SqlErrorKind::Busy) if a store has the file open.
pub(in crate::storage) fn peek_alarm(path: &Path, name: &str) -> Result<Option<Alarm>> {
    if !exists(path) {
        return Ok(None);
    }
    let read = || {
        let log = WalStatus::of(path);
        let connection = Connection::open_with_flags(
            path,
            OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )
        .map_err(|error| SqlError::from_sqlite(error, ""))?;
        // This is set before anything is read: a log that reading makes is removed again, and any other log
        // stays.
        let set = || {
            connection
                .set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, log != WalStatus::Missing)?;
            connection.busy_timeout(Duration::ZERO)?;
            connection.execute_batch("PRAGMA locking_mode = EXCLUSIVE; PRAGMA query_only = ON")
        };
        set().map_err(|error| SqlError::from_sqlite(error, ""))?;
        let meta = read_meta(&connection)?;
        if meta.name != name {
            return Err(StorageError::WrongObject { found: meta.name, expected: name.to_owned() });
        }
        Ok(alarm::read(&connection)?.next())
    };
    match read() {
        // A file that was only partly made has no alarm.
        Err(error) if error.kind() == Some(SqlErrorKind::Corrupt) && is_new(path) => Ok(None),
        result => result,
    }
}
