//! The data that a file holds about itself, read while the file may be open elsewhere, and the alarm in a
//! file that is at rest.

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

/// Reads the name in a file that a store may have open at this moment, and looks whether its tables are there.
///
/// The name is never changed, so it can be read past all locks. A checkpoint may move the pages
/// around it meanwhile, or the file may just be made, so what looks damaged gets another look.
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

/// Reads the alarm of an object that has nothing in memory, and changes nothing.
///
/// The content of the log counts, and stays there: the store that opens the file next finds it as it was.
///
/// # Errors
/// As [`Store::open`](crate::storage::Store::open); with [`SqlErrorKind::Busy`](crate::storage::SqlErrorKind::Busy) if a store has the
/// file open.
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
        // Before anything is read: a log that is made for reading goes again, any other one stays.
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
        // A creation that was cut short has no alarm.
        Err(error) if error.kind() == Some(SqlErrorKind::Corrupt) && is_new(path) => Ok(None),
        result => result,
    }
}
