//! The bytes of a new database.
//!
//! SQLite makes them once, in memory: an empty database with the tables of the runtime. For each new object
//! the rows of the meta table are inserted, the pages are copied, and the rows are rolled back.

use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, MAIN_DB};

use super::schema::{SCHEMA, VERSION};
use crate::storage::Result;
use crate::storage::error::SqlError;

/// The bytes of the header that show whether the database uses a write-ahead log, and their value if it does.
const LOG_MARKS: std::ops::Range<usize> = 18..20;
const WITH_LOG: u8 = 2;
/// The number of templates that are kept. More are made when more threads need one at the same time.
const SPARE: usize = 4;

static TEMPLATES: Mutex<Vec<Connection>> = Mutex::new(Vec::new());

/// Returns the database of a new object.
pub(in crate::storage) fn database(class: &str, name: &str) -> Result<Vec<u8>> {
    let created = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX));
    database_of(class, name, created)
}

/// Returns the database of an object that was made at `created`, in milliseconds since 1970.
pub(in crate::storage) fn database_of(class: &str, name: &str, created: i64) -> Result<Vec<u8>> {
    // A template is taken out of the list and put back later, so that no thread waits for the work of another
    // one.
    let spare = TEMPLATES.lock().unwrap_or_else(PoisonError::into_inner).pop();
    let made = spare.map_or_else(template, Ok).and_then(|mut connection| {
        let bytes = fill(&mut connection, class, name, created)?;
        Ok((connection, bytes))
    });
    let (connection, bytes) = made.map_err(|error| SqlError::from_sqlite(error, ""))?;
    let mut templates = TEMPLATES.lock().unwrap_or_else(PoisonError::into_inner);
    if templates.len() < SPARE {
        templates.push(connection);
    }
    Ok(bytes)
}

fn template() -> rusqlite::Result<Connection> {
    let connection = Connection::open_in_memory()?;
    for step in SCHEMA {
        connection.execute_batch(step)?;
    }
    Ok(connection)
}

fn fill(connection: &mut Connection, class: &str, name: &str, created: i64) -> rusqlite::Result<Vec<u8>> {
    connection.prepare_cached("BEGIN")?.execute(())?;
    connection
        .prepare_cached(
            "INSERT INTO _agents_meta (key, value) VALUES ('schema', ?1), ('class', ?2), ('name', ?3), ('created', ?4)",
        )?
        .execute((VERSION, class, name, created))?;
    let mut bytes = connection.serialize(MAIN_DB)?.to_vec();
    connection.prepare_cached("ROLLBACK")?.execute(())?;
    if let Some(marks) = bytes.get_mut(LOG_MARKS) {
        marks.fill(WITH_LOG);
    }
    Ok(bytes)
}
