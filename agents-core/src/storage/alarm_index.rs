//! The index of the alarms of all objects, in one file, so that a start does not scan the objects.
//!
//! The files of the objects are authoritative. An entry of the index may be early: an object that is woken
//! too early reads its own alarm and corrects the index. An entry must never be late. So an entry is added or
//! lowered, and flushed, before the commit of the object counts. Raising or removing an entry is not urgent.
//!
//! Therefore the index can be made anew at any time, also while objects are awake. The new index begins
//! empty, accepts changes at once, and is filled from the files in the background. Until it is complete, the
//! next process does not use it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, OptionalExtension, Row};

use super::error::{SqlError, SqlErrorKind, StorageError};
use super::file::create::{remove_if_there, suffixed};
use super::file::identity::Identity;
use super::file::open::use_log;
use super::file::unsynced::UnsyncedFile;
use super::testing::faults::Faults;
use super::{DataFolder, Durability, Objects, Result};

/// The name of the index file. No class is encoded to this name, because `=` is always escaped.
const FILE: &str = "=alarms.sqlite";
/// The largest size of an index that a start checks as a whole, in bytes.
const LOOKED_AT: u64 = 256 * 1024;
/// The level of `PRAGMA synchronous` at which a commit flushes the log.
const FLUSHES: i64 = 2;
/// The `user_version` of an index that has an entry for each object with an alarm.
const COMPLETE: i64 = 1;

const TABLES: &str = "
    CREATE TABLE alarms (class TEXT NOT NULL, name TEXT NOT NULL, at INTEGER NOT NULL,
        PRIMARY KEY (class, name)) STRICT, WITHOUT ROWID;
    CREATE INDEX alarms_at ON alarms (at);
";
const KNOWN: &str = "SELECT count(*) FROM sqlite_schema WHERE name IN ('alarms', 'alarms_at')";
const NOT_LATER: &str = "INSERT INTO alarms (class, name, at) VALUES (?1, ?2, ?3) \
    ON CONFLICT (class, name) DO UPDATE SET at = excluded.at WHERE excluded.at < at";
const EXACTLY: &str = "INSERT INTO alarms (class, name, at) VALUES (?1, ?2, ?3) \
    ON CONFLICT (class, name) DO UPDATE SET at = excluded.at WHERE excluded.at <> at";
const GONE: &str = "DELETE FROM alarms WHERE class = ?1 AND name = ?2";
const AT: &str = "SELECT at FROM alarms WHERE class = ?1 AND name = ?2";
const DUE: &str = "SELECT class, name, at FROM alarms WHERE at <= ?1 ORDER BY at LIMIT ?2";
const FIRST: &str = "SELECT min(at) FROM alarms";
const NEXT: &str = "SELECT min(at) FROM alarms WHERE at > ?1";

/// A change of the alarm of one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlarmChange {
    /// The class of the object.
    pub class: String,
    /// The name of the object.
    pub name: String,
    /// The change of the entry.
    pub change: Change,
}

/// The change of an entry. Times are milliseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Creates an entry with this time, or lowers a later one. An earlier entry stays.
    NotLaterThan(u64),
    /// Sets the entry to this time.
    Exactly(u64),
    /// Removes the entry.
    Gone,
}

/// The alarms of all objects of a [`DataFolder`], in the order of their times.
///
/// All methods may block. One thread uses the index.
pub struct AlarmIndex {
    connection: Connection,
    // Declared behind the connection, so that it is closed after the connection.
    seen: Option<UnsyncedFile>,
    folder: Arc<DataFolder>,
    path: PathBuf,
    found: Identity,
    durability: Durability,
    faults: Option<Arc<Faults>>,
    /// `true` while commits flush the log.
    flushes: bool,
    /// `Some` while the index is made anew.
    filling: Option<Filling>,
}

/// The objects whose alarms are not in a new index yet.
struct Filling {
    objects: Objects,
    /// Alarms that were read from files and are not entered yet.
    found: Vec<(String, String, u64)>,
}

impl AlarmIndex {
    /// Opens the index of a folder. If the index is missing, incomplete or damaged, a new one is made, which
    /// [`fill`](Self::fill) has to fill.
    ///
    /// # Errors
    /// Fails when the file cannot be opened or made.
    pub fn open(
        folder: Arc<DataFolder>,
        durability: Durability,
        faults: Option<Arc<Faults>>,
    ) -> Result<Self> {
        match Self::connect(folder.clone(), durability, faults.clone()) {
            Ok(index) if index.is_complete()? => return Ok(index),
            Ok(index) => drop(index),
            Err(error) if Self::is_damage(&error) => {
                tracing::warn!(%error, "the alarm index is damaged and is made anew");
            }
            Err(error) => return Err(error),
        }
        Self::make(folder, durability, faults)
    }

    /// Replaces the index with a new, empty one, which [`fill`](Self::fill) has to fill.
    ///
    /// # Errors
    /// Fails when the file cannot be removed or made. All methods then fail until a later call succeeds.
    pub fn renew(&mut self) -> Result<()> {
        let failed = |error| StorageError::from(SqlError::from_sqlite(error, ""));
        // The old connection is closed first, and without a last checkpoint: a checkpoint would remove the
        // log of the new index, which has the same path.
        let old = std::mem::replace(&mut self.connection, Connection::open_in_memory().map_err(failed)?);
        old.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).map_err(failed)?;
        drop(old);
        *self = Self::make(self.folder.clone(), self.durability, self.faults.clone())?;
        Ok(())
    }

    fn make(folder: Arc<DataFolder>, durability: Durability, faults: Option<Arc<Faults>>) -> Result<Self> {
        folder.check()?;
        let path = folder.root().join(FILE);
        for suffix in ["", "-wal", "-shm", "-journal"] {
            remove_if_there(&suffixed(&path, suffix))?;
        }
        let objects = folder.list()?;
        let mut index = Self::connect(folder, durability, faults)?;
        index.flush_commits(true)?;
        index.transaction(|connection| connection.execute_batch(TABLES))?;
        index.filling = Some(Filling { objects, found: Vec::new() });
        Ok(index)
    }

    fn connect(folder: Arc<DataFolder>, durability: Durability, faults: Option<Arc<Faults>>) -> Result<Self> {
        let path = folder.root().join(FILE);
        let connect = || {
            let connection = Connection::open_with_flags(
                &path,
                OpenFlags::SQLITE_OPEN_READ_WRITE
                    | OpenFlags::SQLITE_OPEN_CREATE
                    | OpenFlags::SQLITE_OPEN_NO_MUTEX,
            )?;
            connection.busy_timeout(Duration::from_secs(5))?;
            connection.execute_batch("PRAGMA locking_mode = EXCLUSIVE; PRAGMA synchronous = FULL")?;
            use_log(&connection)?;
            Ok(connection)
        };
        let connection = connect().map_err(|error| SqlError::from_sqlite(error, ""))?;
        let found = Identity::of(&path).map_err(|error| StorageError::io("find", &path, error))?;
        let mut index = Self {
            connection,
            seen: None,
            folder,
            path,
            found,
            durability,
            faults,
            flushes: true,
            filling: None,
        };
        index.look()?;
        if let Some(faults) = index.faults.as_ref().filter(|faults| faults.is_recording()) {
            index.seen = Some(UnsyncedFile::observe(&index.path)?);
            faults.opened(&index.path, index.seen.as_ref());
        }
        Ok(index)
    }

    /// Checks for damage in a time that does not depend on the number of alarms. A small index is checked as
    /// a whole. For a larger one only the schema is read now; damage elsewhere is found when that part is
    /// read.
    fn look(&self) -> Result<()> {
        if std::fs::metadata(&self.path).is_ok_and(|file| file.len() > LOOKED_AT) {
            let known = self.connection.query_row("SELECT count(*) FROM sqlite_schema", (), |_| Ok(()));
            return known.map_err(|error| SqlError::from_sqlite(error, "").into());
        }
        let check = self.connection.query_row("PRAGMA quick_check(1)", (), |row| row.get::<_, String>(0));
        match check.map_err(|error| SqlError::from_sqlite(error, ""))? {
            check if check == "ok" => Ok(()),
            check => Err(SqlError::new(SqlErrorKind::Corrupt, check, "").into()),
        }
    }

    /// Returns whether the index has its tables and an entry for each object with an alarm.
    fn is_complete(&self) -> Result<bool> {
        let ask = |sql| self.connection.query_row(sql, (), |row| row.get::<_, i64>(0));
        let found = ask("PRAGMA user_version").and_then(|version| Ok((version, ask(KNOWN)?)));
        Ok(found.map_err(|error| SqlError::from_sqlite(error, ""))? == (COMPLETE, 2))
    }

    /// Returns whether an error means that the index is damaged and has to be [made anew](Self::renew). A
    /// disk that is full or does not respond is not damage.
    pub fn is_damage(error: &StorageError) -> bool {
        match error {
            StorageError::Sql(error) => {
                !matches!(error.kind, SqlErrorKind::Full | SqlErrorKind::Busy) && !error.kind.is_of_system()
            }
            StorageError::Damaged { .. } => true,
            _ => false,
        }
    }

    /// Returns whether entries are missing because the index is being made anew.
    pub fn is_filling(&self) -> bool {
        self.filling.is_some()
    }

    /// Reads the files of up to `count` objects and enters their alarms, while the index [is being made
    /// anew](Self::is_filling). The file of an object that is awake cannot be read. Such an object is entered
    /// as due, so that it is woken and reports the time of its alarm.
    ///
    /// # Errors
    /// Fails when the folder cannot be read or the index cannot be written. An object that cannot be read is
    /// omitted, and the log names it.
    pub fn fill(&mut self, count: usize) -> Result<()> {
        let Some(Filling { objects, found }) = &mut self.filling else { return Ok(()) };
        let mut looked = 0;
        for object in objects.by_ref().take(count) {
            looked += 1;
            let (class, name) = match object {
                Ok(object) => object,
                Err(error @ StorageError::Damaged { .. }) => {
                    tracing::error!(%error, "the alarm of an object cannot be read");
                    continue;
                }
                Err(error) => return Err(error),
            };
            match self.folder.alarm(&class, &name) {
                Ok(Some(alarm)) => found.push((class, name, alarm.at)),
                Ok(None) => {}
                Err(error) if error.kind() == Some(SqlErrorKind::Busy) => found.push((class, name, 0)),
                Err(error) => {
                    tracing::error!(class, name, %error, "the alarm of an object cannot be read");
                }
            }
        }
        let whole = looked < count;
        let alarms = std::mem::take(found);
        let entered = self.flush_commits(true).and_then(|()| {
            self.transaction(|connection| {
                for (class, name, at) in &alarms {
                    connection.prepare_cached(NOT_LATER)?.execute((class, name, signed(*at)))?;
                }
                if whole {
                    connection.execute_batch(&format!("PRAGMA user_version = {COMPLETE}"))
                } else {
                    Ok(())
                }
            })
        });
        match (&entered, &mut self.filling) {
            (Ok(()), _) if whole => self.filling = None,
            (Err(_), Some(filling)) => filling.found = alarms,
            _ => {}
        }
        entered
    }

    /// Applies all changes or none of them. With [`Durability::Disk`], entries that were added or lowered are
    /// on the disk when the method returns.
    ///
    /// # Errors
    /// Fails when SQLite fails.
    pub fn apply(&mut self, changes: &[AlarmChange]) -> Result<()> {
        if changes.is_empty() {
            return Ok(());
        }
        let mut urgent = false;
        for AlarmChange { class, name, change } in changes {
            urgent |= match change {
                Change::NotLaterThan(_) => true,
                Change::Exactly(at) => self.at(class, name)?.is_none_or(|before| *at < before),
                Change::Gone => false,
            };
        }
        self.flush_commits(urgent)?;
        self.transaction(|connection| {
            for AlarmChange { class, name, change } in changes {
                match change {
                    Change::NotLaterThan(at) => {
                        connection.prepare_cached(NOT_LATER)?.execute((class, name, signed(*at)))?
                    }
                    Change::Exactly(at) => {
                        connection.prepare_cached(EXACTLY)?.execute((class, name, signed(*at)))?
                    }
                    Change::Gone => connection.prepare_cached(GONE)?.execute((class, name))?,
                };
            }
            Ok(())
        })
    }

    /// Returns up to `limit` objects whose alarms are due at `now`, earliest first: class, name and time.
    ///
    /// # Errors
    /// Fails when SQLite fails.
    pub fn due(&self, now: u64, limit: usize) -> Result<Vec<(String, String, u64)>> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, unsigned(row.get(2)?)));
        let rows = self.connection.prepare_cached(DUE).and_then(|mut statement| {
            statement.query_map((signed(now), limit), read)?.collect::<rusqlite::Result<Vec<_>>>()
        });
        rows.map_err(|error| SqlError::from_sqlite(error, DUE).into())
    }

    /// Returns the earliest time of all entries.
    ///
    /// # Errors
    /// Fails when SQLite fails.
    pub fn first(&self) -> Result<Option<u64>> {
        self.time(FIRST, ())
    }

    /// Returns the earliest time after `at`.
    ///
    /// # Errors
    /// Fails when SQLite fails.
    pub fn next_after(&self, at: u64) -> Result<Option<u64>> {
        self.time(NEXT, (signed(at),))
    }

    fn at(&self, class: &str, name: &str) -> Result<Option<u64>> {
        self.time(AT, (class, name))
    }

    fn time(&self, sql: &str, params: impl rusqlite::Params) -> Result<Option<u64>> {
        let at = self.connection.prepare_cached(sql).and_then(|mut statement| {
            statement.query_row(params, |row| row.get::<_, Option<i64>>(0)).optional()
        });
        let at = at.map_err(|error| SqlError::from_sqlite(error, sql))?;
        Ok(at.flatten().map(unsigned))
    }

    /// Sets whether the following commits flush the log. A flush also covers the commits before it.
    fn flush_commits(&mut self, flush: bool) -> Result<()> {
        let flush = flush && self.durability == Durability::Disk;
        if flush != self.flushes {
            let level = if flush { "FULL" } else { "NORMAL" };
            self.connection
                .execute_batch(&format!("PRAGMA synchronous = {level}"))
                .map_err(|error| SqlError::from_sqlite(error, ""))?;
            self.flushes = flush;
        }
        Ok(())
    }

    fn transaction(&mut self, work: impl FnOnce(&Connection) -> rusqlite::Result<()>) -> Result<()> {
        let Self { connection, seen, folder, path, found, faults, flushes, .. } = self;
        if let Some(faults) = faults {
            faults.index_write()?;
            faults.commit().map_err(|error| StorageError::io("commit to", path, error))?;
            if *flushes {
                faults.sync().map_err(|error| StorageError::io("sync", path, error))?;
            }
        }
        let transaction = connection.transaction().map_err(|error| SqlError::from_sqlite(error, ""))?;
        let done = work(&transaction).and_then(|()| transaction.commit());
        done.map_err(|error| SqlError::from_sqlite(error, ""))?;
        found
            .check(path)
            .map_err(|error| StorageError::Damaged { path: path.clone(), reason: error.to_string() })?;
        if let Some(faults) = faults.as_ref().filter(|faults| faults.is_recording()) {
            faults.checkpointed(path, seen.as_ref());
            // SQLite has flushed its writes if the level says so.
            let level = connection.query_row("PRAGMA synchronous", (), |row| row.get::<_, i64>(0));
            if level.map_err(|error| SqlError::from_sqlite(error, ""))? >= FLUSHES {
                faults.flushed_log(path, faults.before_flush(path));
                // The flush includes the name of the log.
                faults.flushed_folder(folder.root(), faults.names_in(folder.root()));
            }
        }
        Ok(())
    }
}

impl std::fmt::Debug for AlarmIndex {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AlarmIndex").field("path", &self.path).finish_non_exhaustive()
    }
}

fn signed(at: u64) -> i64 {
    i64::try_from(at).unwrap_or(i64::MAX)
}

fn unsigned(at: i64) -> u64 {
    u64::try_from(at).unwrap_or(0)
}
