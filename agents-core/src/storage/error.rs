//! The errors of the storage layer.

use std::io;
use std::path::{Path, PathBuf};

/// An error of the storage layer.
///
/// The texts name files and SQL, so they are not meant for clients. [`StorageError::into_error`] makes an
/// error whose text stays in the log.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StorageError {
    /// An operation of the file system failed.
    #[error("could not {action} {}", path.display())]
    Io {
        /// The operation: `create`, `lock` …
        action: &'static str,
        /// The path of the file or folder.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// Another process has locked the data folder.
    #[error("the data folder {} is in use by another process", path.display())]
    Locked {
        /// The folder.
        path: PathBuf,
    },
    /// The file was written by a newer version of this crate.
    #[error("the file has schema {found}, this version knows up to {known}: update the program")]
    Newer {
        /// The version in the file.
        found: i64,
        /// The newest version that this program knows.
        known: i64,
    },
    /// The file belongs to an object of another name.
    #[error("the file belongs to the object `{found}`, not to `{expected}`")]
    WrongObject {
        /// The name in the file.
        found: String,
        /// The requested name.
        expected: String,
    },
    /// The database of an object is damaged. The file is not changed. Restore a copy of it, or remove it with
    /// its log (`-wal`) to begin anew.
    #[error("the database {} is damaged: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The reason why the database is known to be damaged.
        reason: String,
    },
    /// The data folder was removed or replaced while the program runs. No file in it is opened any more.
    #[error("the data folder {} was removed or replaced, so nothing is written to it: start the program again", path.display())]
    Gone {
        /// The folder.
        path: PathBuf,
    },
    /// A commit or a write failed earlier; the object has to be opened again.
    #[error("an earlier write failed, so this object has to be opened again")]
    Poisoned,
    /// SQLite refused a statement.
    #[error(transparent)]
    Sql(#[from] Box<SqlError>),
    /// A statement that writes was run in a read-only context.
    #[error("only reading is allowed here, but the statement writes: `{sql}`")]
    ReadOnly {
        /// The statement.
        sql: String,
    },
    /// A query returned another number of rows than requested.
    #[error("expected {expected}, got {found}: `{sql}`")]
    RowCount {
        /// The requested number: `exactly one row`, `at most one row`.
        expected: &'static str,
        /// The number of rows that were found; `more than one` if the others were not read.
        found: &'static str,
        /// The statement.
        sql: String,
    },
    /// A column does not hold a value of the requested type.
    #[error("column `{column}`: {message}")]
    Column {
        /// The name of the column; empty if it is not known.
        column: String,
        /// The mismatch.
        message: String,
    },
    /// A row as a whole does not fit the requested type.
    #[error("{message}")]
    Row {
        /// The mismatch.
        message: String,
    },
    /// A value cannot be stored in a column.
    #[error("cannot be stored in a column: {message}")]
    Value {
        /// The mismatch.
        message: String,
    },
    /// A value is larger than its limit.
    #[error("{what} has {size} bytes, the limit is {limit}")]
    TooBig {
        /// The kind of value: `the state`, `the key` …
        what: &'static str,
        /// The size in bytes.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// A key-value entry does not hold the requested type, or a value has no JSON form.
    #[error("the value of the key `{key}` does not fit its type")]
    Json {
        /// The key.
        key: String,
        /// The error of serde.
        source: serde_json::Error,
    },
    /// A value cannot be stored: it has no JSON form, or its type does not read that form back.
    #[error("the value cannot be stored")]
    Unfit {
        /// The error of serde, with the path to the part of the value.
        source: serde_json::Error,
    },
    /// A migration of the tables failed.
    #[error("migration {number}{} failed", in_file(.file))]
    Migration {
        /// The number of the migration, from 1.
        number: usize,
        /// The file of the migration, if it has one.
        file: Option<&'static str>,
        /// The cause.
        source: Box<StorageError>,
    },
    /// The text of a migration differs from the one that was run on this object.
    #[error(
        "migration {number}{} was run with another text: restore the text and add a migration behind the last one",
        in_file(.file)
    )]
    MigrationChanged {
        /// The number of the migration, from 1.
        number: usize,
        /// The file of the migration, if it has one.
        file: Option<&'static str>,
    },
    /// The object has more migrations than the class: a newer program has run them.
    #[error("the object has {found} migrations, this program knows {known}: run the newer program")]
    NewerMigrations {
        /// The number of migrations of the object.
        found: usize,
        /// The number of migrations of the class.
        known: usize,
    },
    /// The runtime called the methods of the storage in a wrong order.
    #[error("storage was used in the wrong order: {0}")]
    Misuse(&'static str),
}

impl StorageError {
    /// Returns the stable code for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Io { source, .. } => SqlErrorKind::of_io(source).code(),
            Self::Locked { .. } => "storage_locked",
            Self::Newer { .. } => "storage_newer",
            Self::WrongObject { .. } => "storage_wrong_object",
            Self::Damaged { .. } => SqlErrorKind::Corrupt.code(),
            Self::Gone { .. } => "storage_gone",
            Self::Poisoned => "storage_poisoned",
            Self::Sql(error) => error.kind.code(),
            Self::ReadOnly { .. } => "sql_read_only",
            Self::RowCount { .. } => "sql_row_count",
            Self::Column { .. } => "sql_column",
            Self::Row { .. } => "sql_row",
            Self::Value { .. } => "sql_value",
            Self::TooBig { .. } => "storage_too_big",
            Self::Json { .. } | Self::Unfit { .. } => "storage_json",
            Self::Migration { .. } => "migration_failed",
            Self::MigrationChanged { .. } => "migration_changed",
            Self::NewerMigrations { .. } => "newer_version",
            Self::Misuse(_) => "storage_misuse",
        }
    }

    /// Returns the kind of failure, if SQLite or the file system is the cause.
    pub fn kind(&self) -> Option<SqlErrorKind> {
        match self {
            Self::Io { source, .. } => Some(SqlErrorKind::of_io(source)),
            Self::Sql(error) => Some(error.kind),
            Self::Damaged { .. } => Some(SqlErrorKind::Corrupt),
            _ => None,
        }
    }

    /// Returns whether the statement, its parameters or its rows are the cause, and not the file, the disk or
    /// the runtime. Such a text has the statement in it and no path.
    pub fn is_of_statement(&self) -> bool {
        match self {
            Self::Sql(error) => !error.kind.is_fatal() && error.kind != SqlErrorKind::Busy,
            Self::ReadOnly { .. }
            | Self::RowCount { .. }
            | Self::Column { .. }
            | Self::Row { .. }
            | Self::Value { .. } => true,
            _ => false,
        }
    }

    /// Converts the error for handlers. The code stays, and the text is only for the log.
    pub fn into_error(self) -> crate::Error {
        crate::Error::hidden(self.code(), self)
    }

    pub(crate) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io { action, path: path.to_owned(), source }
    }

    pub(super) fn column(message: impl Into<String>) -> Self {
        Self::Column { column: String::new(), message: message.into() }
    }

    pub(super) fn value(message: impl Into<String>) -> Self {
        Self::Value { message: message.into() }
    }
}

/// Makes the text of an error visible to the caller if a statement is its cause: a mistake in its text, a
/// constraint, a table that does not exist. Other errors, such as those of the disk, stay as they are.
///
/// It is meant for agents whose clients write the statements, because the text has the statement in it.
///
/// ```
/// use agents_core::storage::{sql::Sql, visible_sql};
/// use agents_core::{Result, serde_json::{Map, Value}};
///
/// fn run(sql: Sql<'_>, statement: &str) -> Result<Vec<Map<String, Value>>> {
///     sql.query(statement, ()).map_err(visible_sql)
/// }
/// ```
pub fn visible_sql(error: crate::Error) -> crate::Error {
    match error.downcast_ref::<StorageError>() {
        Some(cause) if cause.is_of_statement() => error.visible(),
        _ => error,
    }
}

/// A statement that SQLite did not accept or could not finish.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}{}", in_statement(.sql, *.offset))]
#[non_exhaustive]
pub struct SqlError {
    /// The kind of failure.
    pub kind: SqlErrorKind,
    /// The message of SQLite, or of the guard in front of it.
    pub message: String,
    /// The statement; shortened if it is long.
    pub sql: String,
    /// The position of the mistake in bytes from the start of the statement, where SQLite reports one.
    pub offset: Option<usize>,
}

/// The codes of the operating system for too many open files: of the process, and of all processes.
const TOO_MANY_FILES: [i32; 2] = if cfg!(windows) { [4, 4] } else { [24, 23] };

/// The kind of failure of a [`SqlError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SqlErrorKind {
    /// The text is not SQL.
    Syntax,
    /// A table does not exist.
    NoSuchTable,
    /// A column does not exist.
    NoSuchColumn,
    /// A constraint (unique, not null, check, foreign key, type) does not hold.
    Constraint,
    /// A value or a statement is larger than a limit.
    TooBig,
    /// The number of parameters differs from the number of placeholders.
    Parameters,
    /// The statement is not allowed for users.
    Denied,
    /// The statement ran too long and was stopped.
    Timeout,
    /// Another connection holds the file.
    Busy,
    /// The disk is full.
    Full,
    /// The disk failed.
    Io,
    /// The process may not read or write the file or its folder, or the file system is read-only.
    Permission,
    /// The process has too many files open.
    OpenFiles,
    /// SQLite cannot open the file for another reason.
    CannotOpen,
    /// The file is damaged or is not a database.
    Corrupt,
    /// Another failure, which the message describes.
    Other,
}

impl SqlErrorKind {
    /// Returns the stable code for programs.
    pub fn code(self) -> &'static str {
        match self {
            Self::Syntax => "sql_syntax",
            Self::NoSuchTable => "sql_no_such_table",
            Self::NoSuchColumn => "sql_no_such_column",
            Self::Constraint => "sql_constraint",
            Self::TooBig => "sql_too_big",
            Self::Parameters => "sql_parameters",
            Self::Denied => "sql_denied",
            Self::Timeout => "sql_timeout",
            Self::Busy => "storage_busy",
            Self::Full => "storage_full",
            Self::Io => "storage_io",
            Self::Permission => "storage_permission",
            Self::OpenFiles => "storage_open_files",
            Self::CannotOpen => "storage_cannot_open",
            Self::Corrupt => "storage_corrupt",
            Self::Other => "sql_error",
        }
    }

    /// Returns the kind of an error of the file system, such as one of a sync: [`Full`](Self::Full),
    /// [`Permission`](Self::Permission), [`OpenFiles`](Self::OpenFiles) or [`Io`](Self::Io).
    pub fn of_io(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full,
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Self::Permission,
            _ if error.raw_os_error().is_some_and(|code| TOO_MANY_FILES.contains(&code)) => Self::OpenFiles,
            _ => Self::Io,
        }
    }

    /// Returns whether the cause is the file and not the statement, so that the store cannot be used any
    /// more.
    pub(super) fn is_fatal(self) -> bool {
        matches!(self, Self::Full | Self::Corrupt) || self.is_of_system()
    }

    /// Returns whether the operating system refused the file, which may be sound.
    pub(crate) fn is_of_system(self) -> bool {
        matches!(self, Self::Io | Self::Permission | Self::OpenFiles | Self::CannotOpen)
    }
}

impl SqlError {
    pub(super) fn new(kind: SqlErrorKind, message: impl Into<String>, sql: &str) -> Box<Self> {
        Box::new(Self { kind, message: message.into(), sql: shorten(sql), offset: None })
    }

    pub(super) fn from_sqlite(error: rusqlite::Error, sql: &str) -> Box<Self> {
        use rusqlite::Error as E;
        match error {
            E::SqliteFailure(cause, message) => {
                let message = message.unwrap_or_else(|| cause.to_string());
                Self::new(kind_of(cause, &message), message, sql)
            }
            E::SqlInputError { error, msg, sql: read, offset } => {
                // SQLite has read an end of the text, and the text is kept without the space around it.
                let offset = usize::try_from(offset).ok();
                let offset = offset.and_then(|at| (at + sql.trim().len()).checked_sub(read.trim_end().len()));
                Box::new(Self { offset, ..*Self::new(kind_of(error, &msg), msg, sql) })
            }
            E::MultipleStatement => {
                Self::new(SqlErrorKind::Syntax, "more than one statement: use `execute_batch`", sql)
            }
            // Only the runtime reads columns in this way, and its own tables hold only these types.
            E::InvalidColumnType(..) | E::FromSqlConversionFailure(..) | E::IntegralValueOutOfRange(..) => {
                Self::new(SqlErrorKind::Corrupt, error.to_string(), sql)
            }
            E::NulError(_) => Self::new(SqlErrorKind::Syntax, "a NUL character in the statement", sql),
            other => Self::new(SqlErrorKind::Other, other.to_string(), sql),
        }
    }
}

fn kind_of(error: rusqlite::ffi::Error, message: &str) -> SqlErrorKind {
    use rusqlite::ErrorCode as C;
    match error.code {
        C::ConstraintViolation | C::TypeMismatch => SqlErrorKind::Constraint,
        C::TooBig => SqlErrorKind::TooBig,
        C::DiskFull => SqlErrorKind::Full,
        // The file was moved or removed while it was open.
        C::ReadOnly if error.extended_code == rusqlite::ffi::SQLITE_READONLY_DBMOVED => SqlErrorKind::Io,
        C::ReadOnly | C::PermissionDenied => SqlErrorKind::Permission,
        C::CannotOpen => SqlErrorKind::CannotOpen,
        C::SystemIoFailure | C::FileLockingProtocolFailed => SqlErrorKind::Io,
        C::DatabaseCorrupt | C::NotADatabase => SqlErrorKind::Corrupt,
        C::DatabaseBusy | C::DatabaseLocked => SqlErrorKind::Busy,
        C::OperationInterrupted => SqlErrorKind::Timeout,
        C::AuthorizationForStatementDenied => SqlErrorKind::Denied,
        // SQLite has one code for all of these errors. The wording is stable enough to distinguish them, and
        // it determines only the code that a program may test.
        _ if message.starts_with("no such table") => SqlErrorKind::NoSuchTable,
        _ if message.starts_with("no such column") => SqlErrorKind::NoSuchColumn,
        _ if message.contains("syntax error")
            || message.contains("incomplete input")
            || message.contains("unrecognized token") =>
        {
            SqlErrorKind::Syntax
        }
        _ if message.starts_with("too many")
            || message.contains("too complex")
            || message.contains("too large") =>
        {
            SqlErrorKind::TooBig
        }
        // A denial of the authorizer inside a nested statement comes back without its code.
        _ if message.contains("not authorized") || message.contains("prohibited") => SqlErrorKind::Denied,
        _ => SqlErrorKind::Other,
    }
}

fn in_file(file: &Option<&'static str>) -> String {
    file.map(|file| format!(" (`{file}`)")).unwrap_or_default()
}

fn in_statement(sql: &str, offset: Option<usize>) -> String {
    match offset {
        _ if sql.is_empty() => String::new(),
        Some(offset) => format!(" in `{sql}` at byte {offset}"),
        None => format!(" in `{sql}`"),
    }
}

/// Returns a statement for a log, shortened to a few lines.
pub(super) fn shorten(sql: &str) -> String {
    const LIMIT: usize = 500;
    let sql = sql.trim();
    if sql.len() <= LIMIT {
        return sql.to_owned();
    }
    let end = (0..=LIMIT).rev().find(|at| sql.is_char_boundary(*at)).unwrap_or(0);
    format!("{}…", &sql[..end])
}
