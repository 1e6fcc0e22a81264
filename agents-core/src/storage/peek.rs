//! The name in a file that somebody else may have open.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::Result;
use super::error::SqlError;
use super::schema::read_meta;

/// Reads the name in a file that a store may have open at this moment.
///
/// The name is never changed, so it can be read past all locks. A checkpoint may move the pages
/// around it meanwhile, or the file may just be made, so what looks damaged gets another look.
pub(super) fn peek_name(path: &Path) -> Result<String> {
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
    read_meta(&connection).map(|meta| meta.name)
}
