//! The file of a new object, and the tables of the runtime in it.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, OpenFlags, OptionalExtension};

use super::Result;
use super::error::{SqlError, StorageError};

/// What [`SCHEMA`] brings a file to.
pub(super) const VERSION: i64 = 1;

/// The steps from one schema version to the next; the first one makes an empty file version 1.
/// Steps are only ever added.
const SCHEMA: &[&str] = &["
    CREATE TABLE _agents_meta (key TEXT NOT NULL PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE _agents_state (id INTEGER NOT NULL PRIMARY KEY CHECK (id = 0), value TEXT NOT NULL) STRICT;
    CREATE TABLE _agents_kv (key TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
"];

/// What the meta table says.
#[derive(Debug)]
pub(super) struct Meta {
    pub(super) name: String,
    pub(super) version: i64,
}

/// Makes the file of a new object.
///
/// The file is built aside and moved into place when it is complete and on the disk, so a crash
/// at any moment leaves either no file or a good one.
pub(super) fn create(path: &Path, class: &str, name: &str) -> Result<()> {
    let parent = path.parent().unwrap_or(Path::new("."));
    create_folder(parent)?;
    let aside = suffixed(path, ".new");
    for leftover in ["", "-wal", "-shm", "-journal"] {
        remove_if_there(&suffixed(&aside, leftover))?;
    }
    fill(&aside, class, name).map_err(|error| SqlError::from_sqlite(error, ""))?;
    File::open(&aside)
        .and_then(|file| file.sync_all())
        .map_err(|error| StorageError::io("sync", &aside, error))?;
    fs::rename(&aside, path).map_err(|error| StorageError::io("create", path, error))?;
    sync_folder(parent)
}

fn fill(path: &Path, class: &str, name: &str) -> rusqlite::Result<()> {
    let mut connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    // Nobody looks at the file before it is complete, so SQLite need not protect it meanwhile.
    connection.execute_batch(
        "PRAGMA locking_mode = EXCLUSIVE; PRAGMA synchronous = OFF; PRAGMA journal_mode = MEMORY;",
    )?;
    let transaction = connection.transaction()?;
    for step in SCHEMA {
        transaction.execute_batch(step)?;
    }
    let created = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX));
    transaction.execute(
        "INSERT INTO _agents_meta (key, value) VALUES ('schema', ?1), ('class', ?2), ('name', ?3), ('created', ?4)",
        (VERSION, class, name, created),
    )?;
    transaction.commit()?;
    connection.query_row("PRAGMA journal_mode = WAL", (), |_| Ok(()))?;
    connection.close().map_err(|(_, error)| error)
}

/// Brings an older file to the current schema.
pub(super) fn migrate(connection: &mut Connection, from: i64) -> Result<()> {
    let mut run = || -> rusqlite::Result<()> {
        let transaction = connection.transaction()?;
        for step in SCHEMA.iter().skip(usize::try_from(from).unwrap_or(0)) {
            transaction.execute_batch(step)?;
        }
        transaction.execute("UPDATE _agents_meta SET value = ?1 WHERE key = 'schema'", (VERSION,))?;
        transaction.commit()
    };
    run().map_err(|error| SqlError::from_sqlite(error, "").into())
}

/// Reads what the meta table says.
pub(super) fn read_meta(connection: &Connection) -> Result<Meta> {
    let read = |key: &str| {
        connection
            .query_row("SELECT value FROM _agents_meta WHERE key = ?1", (key,), |row| {
                row.get::<_, rusqlite::types::Value>(0)
            })
            .optional()
            .map_err(|error| StorageError::from(SqlError::from_sqlite(error, "")))
    };
    match (read("schema")?, read("name")?) {
        (Some(rusqlite::types::Value::Integer(version)), Some(rusqlite::types::Value::Text(name))) => {
            Ok(Meta { name, version })
        }
        _ => Err(StorageError::from(SqlError::new(
            super::SqlErrorKind::Corrupt,
            "the file lacks the name of its object",
            "",
        ))),
    }
}

/// Reads the name in a file that a store may have open at this moment.
///
/// The name was written before the file got its place and is never changed, so it can be read
/// past all locks. A checkpoint may move the pages around it meanwhile, so what looks damaged
/// gets another look.
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

/// Makes a folder and its parents, and makes their names last.
pub(super) fn create_folder(path: &Path) -> Result<()> {
    let mut missing = Vec::new();
    let mut folder = path;
    while !folder.as_os_str().is_empty() && !folder.exists() {
        missing.push(folder);
        match folder.parent() {
            Some(parent) => folder = parent,
            None => break,
        }
    }
    fs::create_dir_all(path).map_err(|error| StorageError::io("create", path, error))?;
    for folder in missing {
        match folder.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => sync_folder(parent)?,
            _ => sync_folder(Path::new("."))?,
        }
    }
    Ok(())
}

/// Makes the names in a folder last. Where folders cannot be opened, as on Windows, the file
/// system does it on its own.
#[cfg(unix)]
pub(super) fn sync_folder(path: &Path) -> Result<()> {
    File::open(path)
        .and_then(|folder| folder.sync_all())
        .map_err(|error| StorageError::io("sync", path, error))
}

#[cfg(not(unix))]
pub(super) fn sync_folder(_path: &Path) -> Result<()> {
    Ok(())
}

/// A path with something behind its last component.
pub(super) fn suffixed(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Removes a file; says whether there was one.
pub(super) fn remove_if_there(path: &Path) -> Result<bool> {
    match fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(StorageError::io("remove", path, error)),
    }
}
