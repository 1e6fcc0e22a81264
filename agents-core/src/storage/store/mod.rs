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
/// A store belongs to one object and is used by one turn at a time; it can move between threads.
/// A [lazy](Store::lazy) one opens its file when it is first needed, and makes one when something
/// is first written.
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
    /// `None` until it is needed.
    pub(super) database: Option<Database>,
    pub(super) levels: Levels,
    pub(super) state: State,
    pub(super) alarm_changed: bool,
    pub(super) lsn: Lsn,
    pub(super) metrics: StoreMetrics,
    pub(super) poisoned: bool,
    /// The files that take the commits when none is synced, and the time when they were last looked at.
    pub(super) place: Option<(DatabaseFiles, Instant)>,
    pub(super) options: StoreOptions,
    pub(super) path: PathBuf,
    class: String,
    name: String,
}

impl Store {
    /// Opens the file of an object and makes it if it is missing.
    ///
    /// Blocks after a crash: the log is moved into the database first.
    ///
    /// # Errors
    /// When the file cannot be opened, is in use by another store, is no database, was written by
    /// a newer version, or belongs to another object.
    pub fn open(path: &Path, class: &str, name: &str, options: &StoreOptions) -> Result<Self> {
        let mut store = Self::lazy(path, class, name, options);
        store.opened()?;
        Ok(store)
    }

    /// Makes a store that touches its file only when it is needed.
    ///
    /// Reading opens a file that is there, and finds nothing where there is none. Writing, and any
    /// SQL of the user, makes the file. What [`Store::open`] may fail with, these calls may.
    pub fn lazy(path: &Path, class: &str, name: &str, options: &StoreOptions) -> Self {
        Self {
            sync: None,
            database: None,
            levels: Levels::default(),
            state: State::default(),
            alarm_changed: false,
            lsn: Lsn::default(),
            metrics: StoreMetrics::default(),
            poisoned: false,
            place: None,
            options: options.clone(),
            path: path.to_owned(),
            class: class.to_owned(),
            name: name.to_owned(),
        }
    }

    /// Says whether the file is open.
    pub fn is_open(&self) -> bool {
        self.database.is_some()
    }

    /// Says whether the object has a file with something in it.
    pub fn exists(&self) -> bool {
        self.is_open() || open::exists(&self.path)
    }

    /// Says whether a crash left something in the log that opening moves into the database: call
    /// [`Store::warm`] on a thread that may block then.
    pub fn needs_recovery(&self) -> bool {
        !self.is_open() && open::needs_recovery(&self.path)
    }

    /// Opens the file now if there is one.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn warm(&mut self) -> Result<()> {
        self.found().map(|_| ())
    }

    /// Closes the file; what was not committed is undone. Dropping the store does the same, but
    /// keeps quiet about errors.
    ///
    /// Blocks: the log is moved into the database and flushed with it. What stays of the log are
    /// the few bytes that tell the next store so. A store that never opened its file has nothing to
    /// do, one that only read next to nothing.
    ///
    /// # Errors
    /// When the disk or SQLite fails. The log is still there then, and nothing is lost.
    pub fn close(mut self) -> Result<()> {
        if let Some(faults) = &self.options.faults {
            faults.close();
        }
        self.shut()
    }

    /// Drops the file as the death of the process would: what was not committed is lost, the log
    /// stays, and the next store recovers from it.
    pub fn abandon(mut self) {
        self.sync = None;
        if let Some(database) = self.database.take() {
            database.abandon();
        }
    }

    /// Closes the file until the next statement opens it again. Numbers of commits go on, and the state
    /// stays known.
    ///
    /// Blocks as [`close`](Self::close) does.
    ///
    /// # Errors
    /// As [`close`](Self::close); [`StorageError::Misuse`] while something waits for a commit.
    pub fn rest(&mut self) -> Result<()> {
        self.check()?;
        if self.has_uncommitted() {
            return Err(StorageError::Misuse("a file was to be closed before its commit"));
        }
        self.shut()
    }

    /// Returns whether the log has become so long that [`checkpoint`](Self::checkpoint) is due: about 4 MB.
    pub fn wants_checkpoint(&self) -> bool {
        self.database.as_ref().is_some_and(Database::is_full)
    }

    /// Moves the log into the database. No commit does it, so that no turn waits for the disk.
    ///
    /// Blocks: the log and the database are flushed. Call it right after a commit, on a thread that may block.
    ///
    /// # Errors
    /// When the disk or SQLite fails; the store is poisoned then, unless the disk is full.
    /// [`StorageError::Misuse`] while something waits for a commit.
    pub fn checkpoint(&mut self) -> Result<()> {
        self.check()?;
        if self.has_uncommitted() {
            return Err(StorageError::Misuse("a log was to be moved before its commit"));
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
                // Nothing is lost: the log goes on.
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
        self.place = None;
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

    /// Returns where the file is, or would be.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Says whether a write failed in a way that only opening the store again can mend.
    pub fn is_poisoned(&self) -> bool {
        self.poisoned
    }

    fn check_home(&self) -> Result<()> {
        self.options.home.as_ref().map_or(Ok(()), |home| home.check())
    }

    /// Fails when nothing may be read or written.
    pub(super) fn check(&self) -> Result<()> {
        self.check_sound()?;
        self.levels.broken().map_or(Ok(()), |error| Err(error.into()))
    }

    pub(super) fn check_sound(&self) -> Result<()> {
        if self.poisoned { Err(StorageError::Poisoned) } else { Ok(()) }
    }

    /// The open database; it is opened or made if need be.
    pub(super) fn opened(&mut self) -> Result<OpenStore<'_>> {
        self.reach(true)?.ok_or(StorageError::Misuse("a file was not made"))
    }

    /// The open database, `None` if the object has none.
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
        // Whoever wants to know calls `close`.
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
