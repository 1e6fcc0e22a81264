//! When objects want to be woken, in one file, so that a start scans nothing.
//!
//! The truth is in the objects' own files. The index may be early: an object that is woken for
//! nothing looks at its own alarm and puts the index right. It must never be late, so an entry is
//! put in or lowered before the object's commit counts, and that is flushed; entries are raised and
//! taken out at leisure.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension, Row};

use super::create::{remove_if_there, suffixed};
use super::error::{SqlError, SqlErrorKind, StorageError};
use super::fault::Faults;
use super::fresh::Fresh;
use super::open::use_log;
use super::{DataFolder, Durability, Result, StoreOptions};

/// No class is encoded to this: `=` is always escaped.
const FILE: &str = "=alarms.sqlite";
/// Up to which size a start looks at the whole index, in bytes.
const LOOKED_AT: u64 = 256 * 1024;
/// Set when the index has an entry for each object with an alarm.
const COMPLETE: i64 = 1;

const TABLES: &str = "
    CREATE TABLE alarms (class TEXT NOT NULL, name TEXT NOT NULL, at INTEGER NOT NULL,
        PRIMARY KEY (class, name)) STRICT, WITHOUT ROWID;
    CREATE INDEX alarms_at ON alarms (at);
";
const NOT_LATER: &str = "INSERT INTO alarms (class, name, at) VALUES (?1, ?2, ?3) \
    ON CONFLICT (class, name) DO UPDATE SET at = excluded.at WHERE excluded.at < at";
const EXACTLY: &str = "INSERT INTO alarms (class, name, at) VALUES (?1, ?2, ?3) \
    ON CONFLICT (class, name) DO UPDATE SET at = excluded.at WHERE excluded.at <> at";
const GONE: &str = "DELETE FROM alarms WHERE class = ?1 AND name = ?2";
const AT: &str = "SELECT at FROM alarms WHERE class = ?1 AND name = ?2";
const DUE: &str = "SELECT class, name, at FROM alarms WHERE at <= ?1 ORDER BY at LIMIT ?2";
const FIRST: &str = "SELECT min(at) FROM alarms";
const NEXT: &str = "SELECT min(at) FROM alarms WHERE at > ?1";

/// What happened to the alarm of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlarmChange {
    /// The class of the object.
    pub class: String,
    /// The name of the object.
    pub name: String,
    /// What happened.
    pub change: Change,
}

/// How the entry of an object changes. Times are milliseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// There is an entry afterwards, not later than this; an earlier one stays.
    NotLaterThan(u64),
    /// The entry is this.
    Exactly(u64),
    /// There is no entry.
    Gone,
}

/// The alarms of all objects of a [`DataFolder`], in the order of their times.
///
/// All of it may block. One thread uses it.
pub struct AlarmIndex {
    connection: Connection,
    // Behind the connection: it is closed after it.
    seen: Option<Fresh>,
    path: PathBuf,
    durability: Durability,
    faults: Option<Arc<Faults>>,
    /// Whether commits flush at the moment.
    flushes: bool,
}

impl AlarmIndex {
    /// Opens the index of a folder. If it is missing or damaged, it is made anew from the objects'
    /// files; no store of the folder may be open then.
    ///
    /// # Errors
    /// When the file cannot be opened or made.
    pub fn open(folder: &DataFolder, durability: Durability, faults: Option<Arc<Faults>>) -> Result<Self> {
        let path = folder.root().join(FILE);
        match Self::connect(&path, durability, faults.clone()) {
            Ok(index) if index.is_complete()? => return Ok(index),
            Ok(index) => drop(index),
            Err(error) if error.kind() == Some(SqlErrorKind::Corrupt) => {
                tracing::warn!(%error, "the index of alarms is damaged");
            }
            Err(error) => return Err(error),
        }
        for suffix in ["", "-wal", "-shm", "-journal"] {
            remove_if_there(&suffixed(&path, suffix))?;
        }
        let mut index = Self::connect(&path, durability, faults)?;
        index.rebuild(folder)?;
        Ok(index)
    }

    fn connect(path: &Path, durability: Durability, faults: Option<Arc<Faults>>) -> Result<Self> {
        let connect = || {
            let connection = Connection::open_with_flags(
                path,
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
        let mut index =
            Self { connection, seen: None, path: path.to_owned(), durability, faults, flushes: true };
        index.look(path)?;
        if let Some(faults) = index.faults.as_ref().filter(|faults| faults.is_recording()) {
            index.seen = Some(Fresh::observe(path)?);
            faults.opened(path, index.seen.as_ref());
        }
        Ok(index)
    }

    /// Looks for damage, as far as that costs the same however many alarms there are: a small index is
    /// looked at as a whole, of a larger one only its structure, and the rest when it is read.
    fn look(&self, path: &Path) -> Result<()> {
        if std::fs::metadata(path).is_ok_and(|file| file.len() > LOOKED_AT) {
            let known = self.connection.query_row("SELECT count(*) FROM sqlite_schema", (), |_| Ok(()));
            return known.map_err(|error| SqlError::from_sqlite(error, "").into());
        }
        let check = self.connection.query_row("PRAGMA quick_check(1)", (), |row| row.get::<_, String>(0));
        match check.map_err(|error| SqlError::from_sqlite(error, ""))? {
            check if check == "ok" => Ok(()),
            check => Err(SqlError::new(SqlErrorKind::Corrupt, check, "").into()),
        }
    }

    fn is_complete(&self) -> Result<bool> {
        let version = self.connection.query_row("PRAGMA user_version", (), |row| row.get::<_, i64>(0));
        Ok(version.map_err(|error| SqlError::from_sqlite(error, ""))? == COMPLETE)
    }

    /// Makes the index anew from the objects' files. No store of the folder may be open.
    ///
    /// # Errors
    /// When the folder cannot be read or the index cannot be written. An object that cannot be
    /// read is left out, and the log says so.
    pub fn rebuild(&mut self, folder: &DataFolder) -> Result<()> {
        let options = StoreOptions { durability: Durability::Process, ..StoreOptions::default() };
        let mut alarms = Vec::new();
        let mut objects = 0_u64;
        for object in folder.list()? {
            let alarm = object.and_then(|(class, name)| {
                let alarm = folder.store(&class, &name, &options).alarms()?.next();
                Ok((class, name, alarm))
            });
            objects += 1;
            match alarm {
                Ok((class, name, Some(alarm))) => alarms.push((class, name, alarm.at)),
                Ok((_, _, None)) => {}
                Err(error) => tracing::error!(%error, "the alarm of an object cannot be read"),
            }
        }
        if objects > 0 {
            tracing::info!(objects, alarms = alarms.len(), "the index of alarms is made anew");
        }
        self.flush_commits(true)?;
        self.transaction(|connection| {
            connection.execute_batch("DROP TABLE IF EXISTS alarms")?;
            connection.execute_batch(TABLES)?;
            for (class, name, at) in &alarms {
                connection.prepare_cached(EXACTLY)?.execute((class, name, signed(*at)))?;
            }
            connection.execute_batch(&format!("PRAGMA user_version = {COMPLETE}"))
        })
    }

    /// Makes changes, all or none. With [`Durability::Disk`] entries that were put in or lowered
    /// are on the disk when it returns.
    ///
    /// # Errors
    /// When SQLite fails.
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

    /// Returns up to `limit` objects whose time has come at `now`, earliest first: class, name and
    /// time.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn due(&self, now: u64, limit: usize) -> Result<Vec<(String, String, u64)>> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, unsigned(row.get(2)?)));
        let rows = self.connection.prepare_cached(DUE).and_then(|mut statement| {
            statement.query_map((signed(now), limit), read)?.collect::<rusqlite::Result<Vec<_>>>()
        });
        rows.map_err(|error| SqlError::from_sqlite(error, DUE).into())
    }

    /// Returns the earliest time of all.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn first(&self) -> Result<Option<u64>> {
        self.time(FIRST, ())
    }

    /// Returns the earliest time behind `at`.
    ///
    /// # Errors
    /// When SQLite fails.
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

    /// Whether the commits from here on flush the log; a flush covers the commits before it too.
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
        let Self { connection, seen, path, faults, flushes, .. } = self;
        if let Some(faults) = faults {
            faults.commit().map_err(|error| StorageError::io("commit to", path, error))?;
            if *flushes {
                faults.sync().map_err(|error| StorageError::io("sync", path, error))?;
            }
        }
        let transaction = connection.transaction().map_err(|error| SqlError::from_sqlite(error, ""))?;
        let done = work(&transaction).and_then(|()| transaction.commit());
        done.map_err(|error| SqlError::from_sqlite(error, ""))?;
        if let Some(faults) = faults.as_ref().filter(|faults| faults.is_recording()) {
            faults.checkpointed(path, seen.as_ref());
            if *flushes {
                // SQLite has flushed what it wrote.
                let flushed = faults.syncing(path, seen.as_ref(), || Ok(()));
                flushed.map_err(|error| StorageError::io("sync", path, error))?;
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
