//! The SQL migrations of a class, and the record of those that an object has.

use sha2::{Digest, Sha256};

use crate::storage::error::{SqlError, SqlErrorKind, StorageError};
use crate::storage::file::open::in_memory;
use crate::storage::sql::Column;
use crate::storage::store::Store;
use crate::storage::{Result, StoreOptions};

const READ: &str = "/*agents*/SELECT value FROM _agents_meta WHERE key = 'migrations'";
const WRITE: &str = "/*agents*/INSERT OR REPLACE INTO _agents_meta (key, value) VALUES ('migrations', ?1)";

/// The number of bytes of a SHA-256 that are recorded of a migration.
const HASH_BYTES: usize = 16;

/// One SQL migration: statements that change the tables of an agent once. `migrations!` makes a list of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Migration {
    sql: &'static str,
    file: Option<&'static str>,
}

impl Migration {
    /// Makes a migration from one or more statements.
    pub const fn new(sql: &'static str) -> Self {
        Self { sql, file: None }
    }

    /// Makes a migration from the content of a file. Errors name the file.
    pub const fn from_file(file: &'static str, sql: &'static str) -> Self {
        Self { sql, file: Some(file) }
    }

    /// Returns the statements.
    pub const fn sql(&self) -> &'static str {
        self.sql
    }

    /// Returns the hash that is recorded. The ends of lines and the space around the text do not count,
    /// because tools for versions change them.
    fn hash(&self) -> String {
        let text = self.sql.trim().replace("\r\n", "\n");
        let digest = Sha256::digest(text.as_bytes());
        digest.iter().take(HASH_BYTES).map(|byte| format!("{byte:02x}")).collect()
    }

    fn failed(&self, number: usize, source: StorageError) -> StorageError {
        StorageError::Migration { number, file: self.file, source: Box::new(source) }
    }
}

/// The migrations of a class, in their order, with their hashes.
#[derive(Debug, Default)]
pub(crate) struct Migrations {
    steps: &'static [Migration],
    hashes: Vec<String>,
}

impl Migrations {
    pub(crate) fn new(steps: &'static [Migration]) -> Self {
        Self { steps, hashes: steps.iter().map(Migration::hash).collect() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Runs all migrations on an empty database in memory.
    ///
    /// # Errors
    /// Fails with [`StorageError::Migration`] for the first migration that SQLite or the guard refuses.
    pub(crate) fn check(&self, options: &StoreOptions) -> Result<()> {
        if self.is_empty() {
            return Ok(());
        }
        let mut store = Store::in_memory(in_memory(options)?, options);
        store.begin_turn()?;
        let result = store.migrate(self).map(drop);
        store.abandon();
        result
    }
}

impl Store {
    /// Runs the migrations that the object does not have, in the running turn, and records them. Returns the
    /// number of migrations that ran.
    ///
    /// # Errors
    /// Fails when the object has other migrations ([`StorageError::MigrationChanged`]) or more of them
    /// ([`StorageError::NewerMigrations`]); nothing has changed then. Fails with [`StorageError::Migration`]
    /// when a migration fails; the turn then has to be undone. Fails when the file cannot be used.
    pub(crate) fn migrate(&mut self, migrations: &Migrations) -> Result<usize> {
        if migrations.is_empty() && !self.has_migrations()? {
            return Ok(0);
        }
        let recorded = self.recorded_migrations()?;
        let known = migrations.steps.len();
        let differs = recorded.iter().zip(&migrations.hashes).position(|(left, right)| left != right);
        if let Some(index) = differs {
            let file = migrations.steps[index].file;
            return Err(StorageError::MigrationChanged { number: index + 1, file });
        }
        if recorded.len() > known {
            return Err(StorageError::NewerMigrations { found: recorded.len(), known });
        }
        let missing = known - recorded.len();
        if missing == 0 {
            return Ok(0);
        }
        for (index, step) in migrations.steps.iter().enumerate().skip(recorded.len()) {
            self.execute_batch(step.sql, false).map_err(|error| match self.is_poisoned() {
                true => error,
                false => step.failed(index + 1, error),
            })?;
        }
        if let (Some(last), Err(error)) = (migrations.steps.last(), self.check_deferred()) {
            return Err(if self.is_poisoned() { error } else { last.failed(known, error) });
        }
        let record = serde_json::Value::from(migrations.hashes.clone()).to_string();
        self.internal_execute(WRITE, &[Column::Text(record)])?;
        Ok(missing)
    }

    /// Returns whether the file has a record of migrations. The row was looked for when the file was opened.
    fn has_migrations(&mut self) -> Result<bool> {
        let found = self.found().map(|parts| parts.is_some());
        let found = self.poison_on_fatal(found)?;
        Ok(found && self.database.as_ref().is_some_and(|database| database.has_migrations))
    }

    fn recorded_migrations(&mut self) -> Result<Vec<String>> {
        let found = self.found().map(|parts| parts.is_some());
        if !self.poison_on_fatal(found)? {
            return Ok(Vec::new());
        }
        let rows = self.internal_query(READ, &[])?;
        let Some(row) = rows.iter().next() else { return Ok(Vec::new()) };
        let text = row.get::<String>(0).ok();
        let hashes = text.and_then(|text| serde_json::from_str(&text).ok());
        hashes.ok_or_else(|| {
            let message = "the record of the migrations cannot be read";
            SqlError::new(SqlErrorKind::Corrupt, message, "").into()
        })
    }
}
