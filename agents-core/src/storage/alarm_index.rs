//! When objects want to be woken, in one file, so that a start scans nothing.
//!
//! The truth is in the objects' own files. The index may be early: an object that is woken for
//! nothing looks at its own alarm and puts the index right. It must never be late, so an entry is
//! put in or lowered before the object's commit counts, and that is flushed; entries are raised and
//! taken out at leisure.
//!
//! So it can always be made anew, also while objects are awake: it begins empty, takes changes at once, and is
//! filled from the files meanwhile. Until it is whole it does not count as an index for the next process.

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

/// No class is encoded to this: `=` is always escaped.
const FILE: &str = "=alarms.sqlite";
/// Up to which size a start looks at the whole index, in bytes.
const LOOKED_AT: u64 = 256 * 1024;
/// The level of `PRAGMA synchronous` at which a commit flushes the log.
const FLUSHES: i64 = 2;
/// Set when the index has an entry for each object with an alarm.
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
    seen: Option<UnsyncedFile>,
    folder: Arc<DataFolder>,
    path: PathBuf,
    found: Identity,
    durability: Durability,
    faults: Option<Arc<Faults>>,
    /// Whether commits flush at the moment.
    flushes: bool,
    /// Set while it is made anew.
    filling: Option<Filling>,
}

/// The objects that an index was not filled with yet.
struct Filling {
    objects: Objects,
    /// Alarms that were found and not entered.
    found: Vec<(String, String, u64)>,
}

impl AlarmIndex {
    /// Opens the index of a folder. If it is missing, not whole or damaged, a new one is made, which
    /// [`fill`](Self::fill) has to fill.
    ///
    /// # Errors
    /// When the file cannot be opened or made.
    pub fn open(
        folder: Arc<DataFolder>,
        durability: Durability,
        faults: Option<Arc<Faults>>,
    ) -> Result<Self> {
        match Self::connect(folder.clone(), durability, faults.clone()) {
            Ok(index) if index.is_complete()? => return Ok(index),
            Ok(index) => drop(index),
            Err(error) if Self::is_damage(&error) => {
                tracing::warn!(%error, "the index of alarms is damaged");
            }
            Err(error) => return Err(error),
        }
        Self::make(folder, durability, faults)
    }

    /// Makes the index anew, in the place of what is there. It is empty then: see [`fill`](Self::fill).
    ///
    /// # Errors
    /// When the file cannot be removed or made. Then everything fails until it is made anew.
    pub fn renew(&mut self) -> Result<()> {
        let failed = |error| StorageError::from(SqlError::from_sqlite(error, ""));
        // Closed first, and without a last checkpoint: by its path that would remove the log of the new one.
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

    /// Looks for damage, as far as that costs the same however many alarms there are: a small index is
    /// looked at as a whole, of a larger one only its structure, and the rest when it is read.
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

    /// Returns whether an index that failed so is damaged, and to be [made anew](Self::renew). A disk that is full or
    /// does not answer is another matter.
    pub fn is_damage(error: &StorageError) -> bool {
        match error {
            StorageError::Sql(error) => {
                !matches!(error.kind, SqlErrorKind::Full | SqlErrorKind::Busy | SqlErrorKind::Io)
            }
            StorageError::Damaged { .. } => true,
            _ => false,
        }
    }

    /// Returns whether entries are missing because it is being made anew.
    pub fn is_filling(&self) -> bool {
        self.filling.is_some()
    }

    /// Looks into the files of up to `count` objects and enters their alarms, as long as it
    /// [is being made anew](Self::is_filling). An object that is in memory cannot be looked at. It is entered as due, so
    /// that it is woken and says itself when its alarm is.
    ///
    /// # Errors
    /// When the folder cannot be read or the index cannot be written. An object that cannot be
    /// read is left out, and the log says so.
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
            // SQLite has flushed what it wrote, if it was told to.
            let level = connection.query_row("PRAGMA synchronous", (), |row| row.get::<_, i64>(0));
            if level.map_err(|error| SqlError::from_sqlite(error, ""))? >= FLUSHES {
                faults.flushed_log(path, faults.before_flush(path));
                // And the name of the log with it.
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
