//! The tables of the runtime, and the content of the meta table.

use rusqlite::types::ValueRef;
use rusqlite::{CachedStatement, Connection};

use crate::storage::Result;
use crate::storage::error::{SqlError, SqlErrorKind};

/// The schema version that [`SCHEMA`] leads to.
pub(in crate::storage) const VERSION: i64 = 3;

/// The steps from one schema version to the next. The first step turns an empty file into version 1. Steps
/// are added and never changed.
pub(in crate::storage) const SCHEMA: &[&str] = &[
    "
    CREATE TABLE _agents_meta (key TEXT NOT NULL PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE _agents_state (id INTEGER NOT NULL PRIMARY KEY CHECK (id = 0), value TEXT NOT NULL) STRICT;
    CREATE TABLE _agents_kv (key TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
",
    "
    CREATE TABLE _agents_alarm (id INTEGER NOT NULL PRIMARY KEY CHECK (id IN (0, 1)), at INTEGER NOT NULL,
        retries INTEGER NOT NULL) STRICT;
",
    "
    ALTER TABLE _agents_state ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
",
];

const META: &str = "/*agents*/SELECT key, value FROM _agents_meta";
/// Reads the first page of every other table of the runtime.
const ROOTS: &str = "/*agents*/SELECT EXISTS (SELECT 1 FROM _agents_state), \
    EXISTS (SELECT 1 FROM _agents_kv), EXISTS (SELECT 1 FROM _agents_alarm)";

/// The content of the meta table.
#[derive(Debug)]
pub(in crate::storage) struct Meta {
    pub(in crate::storage) name: String,
    pub(in crate::storage) version: i64,
    /// `true` if migrations of the class are recorded.
    pub(in crate::storage) has_migrations: bool,
}

/// Converts an older file to the current schema.
pub(in crate::storage) fn migrate(connection: &mut Connection, from: i64) -> Result<()> {
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

/// Reads the meta table.
pub(in crate::storage) fn read_meta(connection: &Connection) -> Result<Meta> {
    let read = |mut statement: CachedStatement<'_>| {
        let mut found = (None, None, false);
        let mut rows = statement.query(())?;
        while let Some(row) = rows.next()? {
            match (row.get_ref(0)?, row.get_ref(1)?) {
                (ValueRef::Text(b"name"), ValueRef::Text(name)) => {
                    found.0 = String::from_utf8(name.to_vec()).ok();
                }
                (ValueRef::Text(b"schema"), ValueRef::Integer(version)) => found.1 = Some(version),
                (ValueRef::Text(b"migrations"), _) => found.2 = true,
                _ => {}
            }
        }
        Ok(found)
    };
    let found = connection.prepare_cached(META).and_then(read);
    match found.map_err(|error| SqlError::from_sqlite(error, "")) {
        Ok((Some(name), Some(version), has_migrations)) => Ok(Meta { name, version, has_migrations }),
        Err(error) if error.kind != SqlErrorKind::NoSuchTable => Err(error.into()),
        _ => Err(SqlError::new(SqlErrorKind::Corrupt, "the file lacks the name of its object", "").into()),
    }
}

/// Checks that the tables of the runtime exist. Used for files so small that a power failure may have
/// interrupted their creation.
pub(in crate::storage) fn check_roots(connection: &Connection) -> Result<()> {
    let check = connection.query_row(ROOTS, (), |_| Ok(()));
    check.map_err(|error| SqlError::from_sqlite(error, "").into())
}
