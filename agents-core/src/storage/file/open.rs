//! Opens a database so that statements may run on it, and closes it.
//!
//! The log beside the database shows whether the database was closed cleanly (`clean_close`). If so, the
//! database is on the disk, and opening it reads only its meta table. If not, the content of the log is moved
//! into the database, and the database is flushed (again) before any write is acknowledged.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use rusqlite::config::DbConfig;
use rusqlite::hooks::Wal;
use rusqlite::limits::Limit;
use rusqlite::{Connection, OpenFlags};

use super::clean_close::{WalStatus, is_new, mark};
use super::create::{create, parent_of, suffixed};
use super::peek::peek;
use super::schema::{SCHEMA, VERSION, check_roots, migrate, read_meta};
use super::torn::{is_torn, set_aside};
use super::unsynced::UnsyncedFile;
use crate::storage::error::{SqlError, SqlErrorKind, StorageError};
use crate::storage::sql::authorizer::SqlAuthorizer;
use crate::storage::store::flush::Flush;
use crate::storage::testing::faults::Faults;
use crate::storage::{Durability, Result, StoreOptions};

/// The largest size of a file that is checked closely. A new database is never larger, whatever the name of
/// its object is.
const SMALL: u64 = 64 * 1024;
/// The number of pages of a log at which it is moved into the database; 4 MB.
const LOG_PAGES: u32 = 1000;

/// The smallest page size of SQLite. Databases of other tools may have smaller pages than ours.
const SMALLEST_PAGE: u64 = 512;

/// An open database.
pub(in crate::storage) struct Database {
    pub(in crate::storage) connection: Connection,
    pub(in crate::storage) authorizer: Arc<SqlAuthorizer>,
    /// `true` if migrations of the class were recorded when the file was opened.
    pub(in crate::storage) has_migrations: bool,
    /// `None` if the file had been closed cleanly when it was opened.
    pub(in crate::storage) fresh: Option<Arc<UnsyncedFile>>,
    /// The state of the log when the file was opened. If the log was missing, its name may not be on the disk
    /// yet.
    pub(in crate::storage) log: WalStatus,
    /// `true` while SQLite flushes nothing; see [`Database::flush_from_now`].
    quiet: bool,
    /// `true` if the log has frames or may have some.
    filled: bool,
    /// `true` if no other connection can have the file open.
    exclusive: bool,
    pub(in crate::storage) flush: Flush,
    /// The pages of the log after the last commit.
    pages: Arc<AtomicU32>,
    /// The number of pages at which the log is to be moved into the database.
    full_at: u32,
    /// The number of pages at which a new log is moved into the database, and by which a failed attempt is
    /// postponed.
    log_pages: u32,
    faults: Option<Arc<Faults>>,
}

/// Returns whether there is a database, and not just the beginning of one that was never completed.
pub(in crate::storage) fn exists(path: &Path) -> bool {
    match size(path) {
        None => false,
        Some(0) => !is_new(path),
        Some(_) => true,
    }
}

/// Returns whether a crash left frames in the log.
pub(in crate::storage) fn needs_recovery(path: &Path) -> bool {
    WalStatus::of(path) == WalStatus::Left { empty: false } && exists(path)
}

fn size(path: &Path) -> Option<u64> {
    fs::metadata(path).ok().map(|file| file.len())
}

/// Returns the error for a damaged database.
fn damaged(path: &Path, reason: impl Into<String>) -> StorageError {
    StorageError::Damaged { path: path.to_owned(), reason: reason.into() }
}

/// Refuses a length that a database cannot have. SQLite would remove the log beside a file of one byte.
fn whole(size: u64) -> Result<()> {
    if size.is_multiple_of(SMALLEST_PAGE) {
        return Ok(());
    }
    let message = format!("its {size} bytes are not a whole number of pages");
    Err(SqlError::new(SqlErrorKind::Corrupt, message, "").into())
}

/// Checks a file that may be open elsewhere for damage: the header, the metadata, and the first pages of the
/// tables of the runtime.
pub(in crate::storage) fn look(path: &Path) -> Result<()> {
    match size(path) {
        None if WalStatus::of(path) == (WalStatus::Left { empty: false }) => {}
        None => return Ok(()),
        Some(0) => {}
        Some(size) => match whole(size).and_then(|()| peek(path).map(drop)) {
            Err(error) if is_corrupt(&error) && !is_new(path) => {
                return Err(damaged(path, error.to_string()));
            }
            result => return result,
        },
    }
    if is_new(path) { Ok(()) } else { Err(missing(path)) }
}

/// Returns the error for a file that is empty, or missing although its log exists.
fn missing(path: &Path) -> StorageError {
    let reason = if path.exists() { "the file is empty" } else { "the file is missing, but its log exists" };
    damaged(path, reason)
}

/// Opens the file of an object. Returns `None` if the file is missing and `make` is `false`.
pub(in crate::storage) fn open(
    path: &Path,
    class: &str,
    name: &str,
    options: &StoreOptions,
    make: bool,
) -> Result<Option<Database>> {
    match size(path) {
        Some(size) if size > 0 => {
            match whole(size).and_then(|()| open_existing(path, name, options, size <= SMALL)) {
                Err(error) if size <= SMALL && is_corrupt(&error) && is_torn(path, class, name)? => {
                    let aside = set_aside(path)?;
                    tracing::warn!(
                        path = %path.display(),
                        aside = %aside.display(),
                        "the file of a new object was cut short by a power failure; nothing in it was ever \
                         acknowledged, it is moved aside"
                    );
                }
                Err(error) if is_corrupt(&error) => return Err(damaged(path, error.to_string())),
                result => return result.map(Some),
            }
        }
        found => {
            let left = found.is_some() || WalStatus::of(path) == (WalStatus::Left { empty: false });
            if left && !is_new(path) {
                return Err(missing(path));
            }
        }
    }
    if !make {
        return Ok(None);
    }
    let fresh = create(path, class, name, options)?;
    let log = WalStatus::New;
    let mut database = connect(path, options, log).map_err(|error| explain(error, path))?;
    database.fresh = Some(Arc::new(fresh));
    keep_log(&database.connection, options.exclusive)?;
    Ok(Some(database))
}

fn is_corrupt(error: &StorageError) -> bool {
    error.kind() == Some(SqlErrorKind::Corrupt)
}

fn open_existing(path: &Path, name: &str, options: &StoreOptions, small: bool) -> Result<Database> {
    let log = WalStatus::of(path);
    let mut database = connect(path, options, log).map_err(|error| explain(error, path))?;
    let exclusive = options.exclusive;
    let connection = &database.connection;
    let meta = read_meta(connection).map_err(|error| in_use(error, path))?;
    if meta.version > VERSION {
        return Err(StorageError::Newer { found: meta.version, known: VERSION });
    }
    if meta.name != name {
        return Err(StorageError::WrongObject { found: meta.name, expected: name.to_owned() });
    }
    database.has_migrations = meta.has_migrations;
    match log {
        WalStatus::Missing if !suffixed(path, "-wal").exists() => {
            // Another tool has switched off the write-ahead log.
            database.flush_from_now()?;
            use_log(&database.connection).map_err(|error| explain(error, path))?;
        }
        // A file that was closed cleanly was flushed before, so only its meta table is read. This relies on
        // file systems: they keep the order of changes to the names in a folder and to the length of a file.
        WalStatus::Missing | WalStatus::Closed | WalStatus::New => {}
        WalStatus::Left { empty } => {
            if small && meta.version == VERSION {
                check_roots(connection)?;
            }
            if !empty {
                // The frames that a dead process left in the log may not be on the disk yet, even if a sync
                // was requested.
                let emptied = database.empty_log(path)?;
                database.filled = !emptied;
                if emptied {
                    database.flush_nothing()?;
                }
            }
        }
    }
    if meta.version < VERSION {
        database.flush_from_now()?;
        database.filled = true;
        migrate(&mut database.connection, meta.version)?;
    }
    let recording = options.faults.as_ref().is_some_and(|faults| faults.is_recording());
    let fresh = match log {
        // A large file has been flushed by a checkpoint since it was made. Without the lock, the content may
        // change while it is read.
        WalStatus::Left { .. } if options.durability == Durability::Disk => {
            Some(UnsyncedFile::adopt(path, small && exclusive, Flush::new(options))?)
        }
        _ if recording => Some(UnsyncedFile::observe(path)?),
        _ => None,
    };
    database.fresh = fresh.map(Arc::new);
    keep_log(&database.connection, exclusive)?;
    Ok(database)
}

/// Returns the database of a new object in memory, with the limits and the guard of a file.
pub(in crate::storage) fn in_memory(options: &StoreOptions) -> Result<Database> {
    let open = || {
        let database = connect(Path::new(":memory:"), options, WalStatus::New)?;
        SCHEMA.iter().try_for_each(|step| database.connection.execute_batch(step)).map(|()| database)
    };
    open().map_err(|error| SqlError::from_sqlite(error, "").into())
}

impl Database {
    /// Lets SQLite flush from now on, at the latest after the first commit.
    ///
    /// Before the first frame of a new log, SQLite flushes the header and the name of the log, on the thread
    /// that commits. This is needed only for a log that starts again over old frames. An empty log needs this
    /// flush no more than it needs a flush of its frames, and the sync of the store flushes all of it. A
    /// checkpoint needs the flushes of SQLite.
    pub(in crate::storage) fn flush_from_now(&mut self) -> Result<()> {
        if self.quiet {
            self.connection
                .execute_batch("PRAGMA synchronous = NORMAL")
                .map_err(|error| SqlError::from_sqlite(error, ""))?;
            self.quiet = false;
        }
        Ok(())
    }

    /// Stops all flushes of SQLite until the first commit. The log must be empty.
    fn flush_nothing(&mut self) -> Result<()> {
        self.connection
            .execute_batch("PRAGMA synchronous = OFF")
            .map_err(|error| SqlError::from_sqlite(error, ""))?;
        self.quiet = true;
        Ok(())
    }

    /// Records a commit.
    pub(in crate::storage) fn committed(&mut self) -> Result<()> {
        self.filled = true;
        self.flush_from_now()
    }

    /// Returns whether the log is so long that it should be moved into the database.
    pub(in crate::storage) fn is_full(&self) -> bool {
        self.pages.load(Ordering::Relaxed) >= self.full_at
    }

    /// Moves the log into the database with the necessary flushes, calls `moved`, and starts the log again.
    pub(in crate::storage) fn checkpoint(&mut self, path: &Path, moved: impl FnOnce(&Self)) -> Result<()> {
        self.flush_from_now()?;
        let error = |error| SqlError::from_sqlite(error, "");
        let whole = self.move_log(path, "PASSIVE")?;
        moved(self);
        if whole {
            // The first commit over old frames flushes the new header before them. That commit is made here,
            // so that no turn waits for the disk.
            let version: i64 =
                self.connection.query_row("PRAGMA user_version", (), |row| row.get(0)).map_err(error)?;
            self.connection.execute_batch(&format!("PRAGMA user_version = {version}")).map_err(error)?;
            self.full_at = self.log_pages;
        } else {
            // Another tool is reading an old state of the database.
            self.try_again_later();
        }
        Ok(())
    }

    /// Postpones the next checkpoint until the log has become longer.
    pub(in crate::storage) fn try_again_later(&mut self) {
        self.full_at = self.pages.load(Ordering::Relaxed).saturating_add(self.log_pages);
    }

    /// Moves the log into the database and truncates it. Returns whether all of it was moved.
    fn empty_log(&self, path: &Path) -> Result<bool> {
        self.move_log(path, "TRUNCATE").map_err(|error| in_use(error, path))
    }

    /// Moves the log into the database. Returns whether all of it was moved.
    fn move_log(&self, path: &Path, mode: &str) -> Result<bool> {
        if let Some(faults) = &self.faults {
            faults.move_log(path)?;
        }
        let moved = self.connection.query_row(&format!("PRAGMA wal_checkpoint({mode})"), (), |row| {
            let (busy, frames, moved): (bool, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok(!busy && frames == moved)
        });
        moved.map_err(|error| SqlError::from_sqlite(error, "").into())
    }

    /// Closes the connection. `failed` is `true` if a write has failed since the file was opened. The log
    /// then stays as it is.
    pub(in crate::storage) fn close(self, path: &Path, durability: Durability, failed: bool) -> Result<()> {
        let synced = if failed { Ok(false) } else { self.sync_before_close(path, durability) };
        let Self { connection, authorizer, fresh, exclusive, .. } = self;
        // If other connections may have the file open, only SQLite knows whether this connection is the last
        // one. SQLite then moves the log into the database and removes it.
        let kept = keep_log(&connection, exclusive || !matches!(synced, Ok(true)));
        let closed = connection.close().map_err(|(connection, error)| {
            drop(connection);
            SqlError::from_sqlite(error, "").into()
        });
        drop(authorizer);
        if let Some(fresh) = fresh {
            fresh.close();
        }
        synced.and(kept).and(closed)
    }

    /// Flushes the database and marks it as closed cleanly. Returns `false` if the log must stay as it is.
    fn sync_before_close(&self, path: &Path, durability: Durability) -> Result<bool> {
        if self.quiet && self.filled {
            // A checkpoint without a flush could damage the database.
            return Ok(false);
        }
        let disk = durability == Durability::Disk;
        let sync = |error| StorageError::io("sync", path, error);
        // The next store assumes that the file is flushed.
        if let Some(fresh) = self.fresh.as_ref().filter(|_| disk) {
            fresh.flush().map_err(sync)?;
        }
        if !self.exclusive {
            return Ok(true);
        }
        if !self.connection.is_autocommit() {
            self.connection.execute_batch("ROLLBACK").map_err(|error| SqlError::from_sqlite(error, ""))?;
        }
        if self.filled {
            // The checkpoint flushes the log and the database, regardless of the durability of commits.
            if !self.empty_log(path)? {
                return Ok(false);
            }
            if !disk && !self.log.closed_cleanly() {
                self.flush.made(path).map_err(sync)?;
            }
        } else if self.log == WalStatus::Closed {
            return Ok(true);
        } else if !disk && self.log != WalStatus::Missing {
            // The database was never flushed.
            return Ok(false);
        }
        if disk && self.log == WalStatus::Missing {
            // The next store relies on the name of the log as well.
            self.flush.folder(&parent_of(path)).map_err(sync)?;
        }
        // The mark is set while the connection has its lock, so that no other connection writes to the log.
        if let Err(error) = mark(path) {
            // Without the mark, the next store checks the file more closely.
            tracing::warn!(path = %path.display(), %error, "a file could not be marked as closed cleanly");
        }
        Ok(true)
    }

    /// Drops the connection as if the process had died.
    pub(in crate::storage) fn abandon(self) {
        let Self { connection, authorizer, fresh, .. } = self;
        // This fails only for an invalid connection.
        let _ = keep_log(&connection, true);
        drop(connection);
        drop(authorizer);
        if let Some(fresh) = fresh {
            fresh.close();
        }
    }
}

/// Sets whether SQLite keeps the log when the connection is closed.
fn keep_log(connection: &Connection, on: bool) -> Result<()> {
    keep(connection, on).map_err(|error| SqlError::from_sqlite(error, "").into())
}

fn keep(connection: &Connection, on: bool) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, on).map(|_| ())
}

fn explain(error: rusqlite::Error, path: &Path) -> StorageError {
    let error = SqlError::from_sqlite(error, "");
    if error.kind == SqlErrorKind::CannotOpen
        && let Err(source) = fs::OpenOptions::new().read(true).write(true).open(path)
    {
        // SQLite does not say why.
        return StorageError::io("open", path, source);
    }
    in_use(error.into(), path)
}

fn in_use(error: StorageError, path: &Path) -> StorageError {
    match error {
        StorageError::Sql(mut error) if error.kind == SqlErrorKind::Busy => {
            error.message = format!("{} is in use by another connection", path.display());
            StorageError::Sql(error)
        }
        error => error,
    }
}

/// Switches on the write-ahead log. New databases already use one.
pub(in crate::storage) fn use_log(connection: &Connection) -> rusqlite::Result<()> {
    let mode: String = connection.query_row("PRAGMA journal_mode = WAL", (), |row| row.get(0))?;
    if mode == "wal" {
        return Ok(());
    }
    Err(rusqlite::Error::SqliteFailure(
        rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CANTOPEN),
        Some(format!("the file system does not allow a write-ahead log here, only `{mode}`")),
    ))
}

fn connect(path: &Path, options: &StoreOptions, log: WalStatus) -> rusqlite::Result<Database> {
    let mut connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    // Until the file is checked, closing it must not move the log into it or remove a mark. A log that is
    // made only by reading is removed again.
    keep(&connection, log != WalStatus::Missing)?;
    connection.busy_timeout(options.busy_timeout)?;
    connection.set_prepared_statement_cache_capacity(options.statement_cache);
    connection.execute_batch(&format!(
        "PRAGMA locking_mode = {}; PRAGMA cache_size = -{}; PRAGMA temp_store = MEMORY; {}",
        if options.exclusive { "EXCLUSIVE" } else { "NORMAL" },
        options.cache_kib,
        if log.is_empty() { "PRAGMA synchronous = OFF" } else { "PRAGMA synchronous = NORMAL" },
    ))?;
    let pages = Arc::new(AtomicU32::new(0));
    let counted = pages.clone();
    // This hook replaces that of SQLite, which would make a checkpoint in the turn that commits.
    connection.wal_hook(Some(move |_: &mut Wal, pages: i32| {
        counted.store(u32::try_from(pages).unwrap_or(0), Ordering::Relaxed);
        Ok(())
    }))?;
    for (setting, on) in [
        (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, true),
        // A word in double quotes is a column and never a string.
        (DbConfig::SQLITE_DBCONFIG_DQS_DML, false),
        (DbConfig::SQLITE_DBCONFIG_DQS_DDL, false),
    ] {
        connection.set_db_config(setting, on)?;
    }
    let limits = &options.limits;
    for (limit, value) in [
        (Limit::SQLITE_LIMIT_LENGTH, limits.length),
        (Limit::SQLITE_LIMIT_SQL_LENGTH, limits.statement),
        (Limit::SQLITE_LIMIT_VARIABLE_NUMBER, limits.parameters),
        (Limit::SQLITE_LIMIT_COLUMN, limits.columns),
        (Limit::SQLITE_LIMIT_FUNCTION_ARG, limits.function_arguments),
        (Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, limits.pattern),
        (Limit::SQLITE_LIMIT_EXPR_DEPTH, limits.expression_depth),
        (Limit::SQLITE_LIMIT_COMPOUND_SELECT, limits.compound_select),
        (Limit::SQLITE_LIMIT_TRIGGER_DEPTH, limits.trigger_depth),
        (Limit::SQLITE_LIMIT_VDBE_OP, limits.instructions),
        (Limit::SQLITE_LIMIT_ATTACHED, 0),
        (Limit::SQLITE_LIMIT_WORKER_THREADS, 0),
    ] {
        connection.set_limit(limit, i32::try_from(value).unwrap_or(i32::MAX))?;
    }
    let authorizer = SqlAuthorizer::install(&mut connection, options.blocking)?;
    let log_pages = options.faults.as_ref().and_then(|faults| faults.log_pages()).unwrap_or(LOG_PAGES);
    Ok(Database {
        connection,
        authorizer,
        has_migrations: false,
        fresh: None,
        log,
        quiet: log.is_empty(),
        filled: false,
        exclusive: options.exclusive,
        pages,
        full_at: log_pages,
        log_pages,
        faults: options.faults.clone(),
        flush: Flush::new(options),
    })
}
