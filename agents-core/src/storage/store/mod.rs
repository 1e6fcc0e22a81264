//! The file of one object.

pub(super) mod deferred;
pub(super) mod flush;
pub(super) mod levels;
mod separate;
pub(super) mod statement;
pub(super) mod sync;
pub(super) mod transaction;

use std::path::{Path, PathBuf};
use std::time::Instant;

use super::error::{SqlErrorKind, StorageError};
use super::file::open::{self, Database};
use super::metrics::StoreMetrics;
use super::store::levels::Levels;
use super::store::statement::OpenStore;
use super::store::sync::{DatabaseFiles, SyncHandle};
use super::store::transaction::Lsn;
use super::tables::state::State;
use super::{Result, StoreOptions};

/// The file of one object: its rows, its keys and values, and its state.
///
/// A store belongs to one object and is used by one turn at a time. It can move between threads. A
/// [lazy](Store::lazy) store opens its file when the file is first needed, and makes the file at the first
/// write.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let root = std::env::temp_dir().join(format!("agents-store-{}", std::process::id()));
/// use agents_core::storage::{Store, StoreOptions};
///
/// let mut store = Store::lazy(&root.join("a.sqlite"), "counter", "a", &StoreOptions::default());
/// store.begin_turn()?;
/// assert_eq!(store.state()?, None);
/// assert!(!store.exists());
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
    pub(super) sync: Option<SyncHandle>,
    /// `None` until the database is needed.
    pub(super) database: Option<Database>,
    pub(super) levels: Levels,
    pub(super) state: State,
    /// The version of the state's type in this program.
    pub(super) state_version: u32,
    pub(super) alarm_changed: bool,
    pub(super) lsn: Lsn,
    pub(super) metrics: StoreMetrics,
    pub(super) poisoned: bool,
    /// The open files, if commits are not synced, and the time of the last check that their paths lead to them.
    pub(super) files: Option<(DatabaseFiles, Instant)>,
    pub(super) options: StoreOptions,
    pub(super) path: PathBuf,
    class: String,
    name: String,
}

impl Store {
    /// Opens the file of an object, or makes it if it is missing.
    ///
    /// Blocks after a crash, because the log is then moved into the database first.
    ///
    /// # Errors
    /// Fails when the file cannot be opened, is in use by another store, is not a database, was written by a
    /// newer version, or belongs to another object.
    pub fn open(path: &Path, class: &str, name: &str, options: &StoreOptions) -> Result<Self> {
        let mut store = Self::lazy(path, class, name, options);
        store.opened()?;
        Ok(store)
    }

    /// Returns a store that opens its file only when the file is needed.
    ///
    /// Reading opens an existing file, and finds nothing if there is no file. Writing, and any SQL of the
    /// user, makes the file. These calls may fail like [`Store::open`].
    pub fn lazy(path: &Path, class: &str, name: &str, options: &StoreOptions) -> Self {
        Self {
            sync: None,
            database: None,
            levels: Levels::default(),
            state: State::default(),
            state_version: 1,
            alarm_changed: false,
            lsn: Lsn::default(),
            metrics: StoreMetrics::default(),
            poisoned: false,
            files: None,
            options: options.clone(),
            path: path.to_owned(),
            class: class.to_owned(),
            name: name.to_owned(),
        }
    }

    /// Returns a store on a database in memory, of an object without a name.
    pub(super) fn in_memory(database: Database, options: &StoreOptions) -> Self {
        let options = StoreOptions { faults: None, home: None, ..options.clone() };
        let mut store = Self::lazy(Path::new(":memory:"), "", "", &options);
        store.database = Some(database);
        store
    }

    /// Sets the version of the state's type, which is stored with each state; 1 by default.
    #[must_use]
    pub(crate) fn with_state_version(mut self, version: u32) -> Self {
        self.state_version = version;
        self
    }

    /// Returns whether the file is open.
    pub fn is_open(&self) -> bool {
        self.database.is_some()
    }

    /// Returns whether the object has a file that is not empty.
    pub fn exists(&self) -> bool {
        self.is_open() || open::exists(&self.path)
    }

    /// Returns whether a crash left frames in the log, which opening moves into the database. If so, call
    /// [`Store::warm`] on a thread that may block.
    pub fn needs_recovery(&self) -> bool {
        !self.is_open() && open::needs_recovery(&self.path)
    }

    /// Opens the file now if there is one.
    ///
    /// # Errors
    /// Fails like [`Store::open`].
    pub fn warm(&mut self) -> Result<()> {
        self.found().map(|_| ())
    }

    /// Closes the file. Uncommitted writes are undone. Dropping the store does the same but ignores errors.
    ///
    /// Blocks: the log is moved into the database and both are flushed. A log of four bytes remains as the
    /// mark of a clean close. For a store that never opened its file there is nothing to do, and very little
    /// for one that only read.
    ///
    /// # Errors
    /// Fails when the disk or SQLite fails. The log then remains, and nothing is lost.
    pub fn close(mut self) -> Result<()> {
        if let Some(faults) = &self.options.faults {
            faults.close();
        }
        self.shut()
    }

    /// Drops the store as if the process had died: uncommitted writes are lost, the log stays, and the next
    /// store recovers from it.
    pub fn abandon(mut self) {
        self.sync = None;
        if let Some(database) = self.database.take() {
            database.abandon();
        }
    }

    /// Closes the file until the next statement opens it again. The numbers of commits continue, and the
    /// state stays in memory.
    ///
    /// Blocks like [`close`](Self::close).
    ///
    /// # Errors
    /// Fails like [`close`](Self::close), or with [`StorageError::Misuse`] while writes wait for a commit.
    pub fn suspend(&mut self) -> Result<()> {
        self.check()?;
        if self.has_uncommitted() {
            return Err(StorageError::Misuse("a file must not be closed before its commit"));
        }
        self.shut()
    }

    /// Returns whether the log is so long that a [`checkpoint`](Self::checkpoint) is due: about 4 MB.
    pub fn wants_checkpoint(&self) -> bool {
        self.database.as_ref().is_some_and(Database::is_full)
    }

    /// Moves the log into the database. A commit never does this, so that no turn waits for the disk.
    ///
    /// Blocks while the log and the database are flushed. Call it right after a commit, on a thread that may
    /// block.
    ///
    /// # Errors
    /// Fails when the disk or SQLite fails; the store is then poisoned, unless the disk is full. Fails with
    /// [`StorageError::Misuse`] while writes wait for a commit.
    pub fn checkpoint(&mut self) -> Result<()> {
        self.check()?;
        if self.has_uncommitted() {
            return Err(StorageError::Misuse("a log must not be moved before its commit"));
        }
        let Self { database: Some(database), options, path, .. } = self else { return Ok(()) };
        if let Some(faults) = &options.faults {
            faults.checkpoint();
        }
        let moved = |database: &Database| {
            if let Some(faults) = &options.faults {
                faults.checkpointed(path, database.fresh.as_deref());
            }
        };
        match database.checkpoint(path, moved) {
            Err(error) if error.kind() == Some(SqlErrorKind::Full) => {
                // Nothing is lost, because the log continues to grow.
                tracing::warn!(path = %path.display(), %error, "a log cannot be moved into its database");
                database.try_again_later();
                Ok(())
            }
            Err(error) => {
                self.poison();
                Err(error)
            }
            Ok(()) => Ok(()),
        }
    }

    fn shut(&mut self) -> Result<()> {
        self.sync = None;
        self.files = None;
        let Some(database) = self.database.take() else { return Ok(()) };
        let recorder = self.options.faults.clone().filter(|faults| faults.is_recording());
        if let Some(recorder) = &recorder {
            recorder.moving(&self.path);
        }
        let result = database.close(&self.path, self.options.durability, self.poisoned);
        if let Some(recorder) = recorder {
            recorder.closed(&self.path);
        }
        result
    }

    /// Returns the class of the object, in kebab-case.
    pub fn class(&self) -> &str {
        &self.class
    }

    /// Returns the name of the object.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the path that the file has or would have.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns whether a write failed so that the store has to be opened again.
    pub fn is_poisoned(&self) -> bool {
        self.poisoned
    }

    fn check_home(&self) -> Result<()> {
        self.options.home.as_ref().map_or(Ok(()), |home| home.check())
    }

    /// Fails when the store is poisoned or the running level is broken, so that no statement may run.
    pub(super) fn check(&self) -> Result<()> {
        self.check_sound()?;
        self.levels.broken().map_or(Ok(()), |error| Err(error.into()))
    }

    pub(super) fn check_sound(&self) -> Result<()> {
        if self.poisoned { Err(StorageError::Poisoned) } else { Ok(()) }
    }

    /// Returns the open database. Opens or makes it if necessary.
    pub(super) fn opened(&mut self) -> Result<OpenStore<'_>> {
        self.reach(true)?.ok_or(StorageError::Misuse("a file was not made"))
    }

    /// Returns the open database, or `None` if the object has no file.
    pub(super) fn found(&mut self) -> Result<Option<OpenStore<'_>>> {
        self.reach(false)
    }

    fn open_database(&self, make: bool) -> Result<Option<Database>> {
        let open = || open::open(&self.path, &self.class, &self.name, &self.options, make);
        match self.options.blocking {
            Some(blocking) if make || open::exists(&self.path) => {
                let mut opened = Ok(None);
                blocking(&mut || opened = open());
                opened
            }
            _ => open(),
        }
    }

    fn reach(&mut self, make: bool) -> Result<Option<OpenStore<'_>>> {
        self.check()?;
        if self.database.is_none() {
            if make {
                self.check_home()?;
            }
            if let Some(faults) = &self.options.faults {
                faults.moving(&self.path);
            }
            self.database = self.open_database(make)?;
            if let (Some(database), Some(faults)) = (&self.database, &self.options.faults) {
                faults.opened(&self.path, database.fresh.as_deref());
            }
            if self.database.is_some() && !make {
                self.check_home()?;
            }
        }
        let Some(database) = &self.database else { return Ok(None) };
        database.authorizer.begins();
        Ok(Some(OpenStore {
            connection: &database.connection,
            authorizer: &database.authorizer,
            levels: &mut self.levels,
            metrics: &self.metrics,
            options: &self.options,
        }))
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        // Errors are ignored here. A caller that needs them calls `close`.
        let _ = self.shut();
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store")
            .field("path", &self.path)
            .field("open", &self.is_open())
            .field("lsn", &self.lsn)
            .field("poisoned", &self.poisoned)
            .finish_non_exhaustive()
    }
}
