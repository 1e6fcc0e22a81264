//! The open file of one object.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, OpenFlags, OptionalExtension, Params};

use super::create::{VERSION, create, migrate, read_meta, suffixed};
use super::error::{SqlError, SqlErrorKind, StorageError};
use super::guard::Guard;
use super::reserved::INTERNAL;
use super::state::State;
use super::sync::SyncHandle;
use super::turn::{Levels, Lsn};
use super::{Result, StoreOptions};

/// The open file of one object: its rows, its keys and values, and its state.
///
/// A store belongs to one object and is used by one turn at a time; it can move between threads.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let root = std::env::temp_dir().join(format!("agents-store-{}", std::process::id()));
/// use agents_core::storage::{Store, StoreOptions};
///
/// let mut store = Store::open(&root.join("a.sqlite"), "counter", "a", &StoreOptions::default())?;
/// store.begin_turn()?;
/// store.stage_state(Some("1".into()))?;
/// store.kv_put("greeting", br#""hello""#)?;
/// store.end_turn()?;
/// assert!(store.commit()?.is_some());
/// store.sync_handle()?.sync()?;
/// # drop(store);
/// # std::fs::remove_dir_all(&root)?;
/// # Ok(())
/// # }
/// ```
pub struct Store {
    // Before the connection, so that our descriptor of the log is closed first.
    pub(super) sync: Option<SyncHandle>,
    pub(super) connection: Connection,
    pub(super) guard: Arc<Guard>,
    pub(super) levels: Levels,
    pub(super) state: State,
    pub(super) lsn: Lsn,
    pub(super) statements: u64,
    pub(super) poisoned: bool,
    pub(super) options: StoreOptions,
    pub(super) path: PathBuf,
    class: String,
    name: String,
}

impl Store {
    /// Opens the file of an object and makes it if it is missing.
    ///
    /// Blocks: a new file is written and flushed to the disk; after a crash the log is moved into
    /// the database first.
    ///
    /// # Errors
    /// When the file cannot be opened, is in use by another store, is no database, was written by
    /// a newer version, or belongs to another object.
    pub fn open(path: &Path, class: &str, name: &str, options: &StoreOptions) -> Result<Self> {
        // An empty file is what a copy that was broken off may leave; SQLite takes it for a new
        // database as well.
        let exists = std::fs::metadata(path).is_ok_and(|file| file.len() > 0);
        if !exists {
            create(path, class, name)?;
        }
        let crashed = std::fs::metadata(suffixed(path, "-wal")).is_ok_and(|log| log.len() > 0);
        let (connection, guard) = connect(path, options, crashed).map_err(|error| {
            let mut error = SqlError::from_sqlite(error, "");
            if error.kind == SqlErrorKind::Busy {
                error.message = format!("{} is in use by another connection", path.display());
            }
            error
        })?;
        let mut store = Self {
            sync: None,
            connection,
            guard,
            levels: Levels::default(),
            state: State::default(),
            lsn: Lsn::default(),
            statements: 0,
            poisoned: false,
            options: options.clone(),
            path: path.to_owned(),
            class: class.to_owned(),
            name: name.to_owned(),
        };
        let meta = read_meta(&store.connection)?;
        if meta.version > VERSION {
            return Err(StorageError::Newer { found: meta.version, known: VERSION });
        }
        if meta.name != name {
            return Err(StorageError::WrongObject { found: meta.name, expected: name.to_owned() });
        }
        if meta.version < VERSION {
            migrate(&mut store.connection, meta.version)?;
        }
        Ok(store)
    }

    /// Closes the file; what was not committed is undone. Dropping the store does the same, but
    /// keeps quiet about errors.
    ///
    /// Blocks: the log is moved into the database and removed.
    ///
    /// # Errors
    /// When SQLite cannot close the file.
    pub fn close(self) -> Result<()> {
        let Self { sync, connection, .. } = self;
        drop(sync);
        connection.close().map_err(|(_, error)| SqlError::from_sqlite(error, "").into())
    }

    /// Returns the class of the object, in kebab-case.
    pub fn class(&self) -> &str {
        &self.class
    }

    /// Returns the name of the object.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns how many statements SQLite has run since the store was opened.
    pub fn statements(&self) -> u64 {
        self.statements
    }

    /// Says whether a write failed in a way that only opening the store again can mend.
    pub fn is_poisoned(&self) -> bool {
        self.poisoned
    }

    pub(super) fn check(&self) -> Result<()> {
        if self.poisoned { Err(StorageError::Poisoned) } else { Ok(()) }
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store")
            .field("path", &self.path)
            .field("lsn", &self.lsn)
            .field("poisoned", &self.poisoned)
            .finish_non_exhaustive()
    }
}

fn connect(path: &Path, options: &StoreOptions, crashed: bool) -> rusqlite::Result<(Connection, Arc<Guard>)> {
    let mut connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection.busy_timeout(options.busy_timeout)?;
    connection.set_prepared_statement_cache_capacity(options.statement_cache);
    connection.execute_batch(&format!(
        "PRAGMA locking_mode = {}; PRAGMA cache_size = -{}; PRAGMA temp_store = MEMORY; PRAGMA synchronous = NORMAL",
        if options.exclusive { "EXCLUSIVE" } else { "NORMAL" },
        options.cache_kib,
    ))?;
    let mode: String = connection.query_row("PRAGMA journal_mode = WAL", (), |row| row.get(0))?;
    if mode != "wal" {
        return Err(rusqlite::Error::SqliteFailure(
            rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CANTOPEN),
            Some(format!("the file system allows no write-ahead log here, only `{mode}`")),
        ));
    }
    if crashed {
        // What a dead process left in the log may not be on the disk yet, whoever asked for it.
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |_| Ok(()))?;
    }
    for (setting, on) in [
        (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, true),
        // "text" in double quotes means a column and never a string.
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
    let guard = Guard::install(&mut connection)?;
    Ok((connection, guard))
}

/// JSON that is bound as text without a second look at its encoding.
pub(super) struct Json<'a>(pub(super) &'a [u8]);

impl ToSql for Json<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(ValueRef::Text(self.0)))
    }
}

/// Runs a statement of the runtime without parameters and rows.
pub(super) fn run(connection: &Connection, statements: &mut u64, sql: &'static str) -> Result<()> {
    change(connection, statements, sql, ()).map(|_| ())
}

/// Runs a statement of the runtime that gives no rows; returns how many rows it changed.
pub(super) fn change(
    connection: &Connection,
    statements: &mut u64,
    sql: &'static str,
    params: impl Params,
) -> Result<u64> {
    debug_assert!(sql.starts_with(INTERNAL));
    *statements += 1;
    let changed = connection
        .prepare_cached(sql)
        .and_then(|mut statement| statement.execute(params))
        .map_err(|error| SqlError::from_sqlite(error, sql))?;
    Ok(u64::try_from(changed).unwrap_or(u64::MAX))
}

/// Runs a statement of the runtime that gives one text or nothing.
pub(super) fn read_one(
    connection: &Connection,
    statements: &mut u64,
    sql: &'static str,
    params: impl Params,
) -> Result<Option<Bytes>> {
    debug_assert!(sql.starts_with(INTERNAL));
    *statements += 1;
    let value = connection
        .prepare_cached(sql)
        .and_then(|mut statement| {
            statement
                .query_row(params, |row| Ok(row.get_ref(0)?.as_bytes().map(Bytes::copy_from_slice)?))
                .optional()
        })
        .map_err(|error| SqlError::from_sqlite(error, sql))?;
    Ok(value)
}
