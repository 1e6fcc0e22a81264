//! The database of an object: rows, keys and values, the state, and the deletion of everything.

use std::sync::atomic::Ordering;

use bytes::Bytes;

use super::{ObjectContext, WriteKind};
use crate::error::{Error, Result};
use crate::storage::sql::{Column, Rows, Savepoint, Sql, SqlBackend, SqlReadBackend};
use crate::storage::{Kv, KvBackend, KvRange, KvReadBackend, StorageError, Store, StoredState};

/// Converts an error. A caller may read that a value is too big; other errors are only logged.
fn storage_error(error: StorageError) -> Error {
    let visible = matches!(error, StorageError::TooBig { .. });
    let error = error.into_error();
    if visible { error.visible() } else { error }
}

impl ObjectContext {
    /// Returns the object's database.
    pub fn sql(&self) -> Sql<'_> {
        Sql::new(self)
    }

    /// Returns the object's keys and values, in the same database.
    pub fn storage(&self) -> Kv<'_> {
        Kv::new(self)
    }

    /// Removes everything that the object stored: tables, keys, state, alarm and settings. The tables of an
    /// agent's `migrations` are made again, without rows.
    ///
    /// The deletion is committed with the other writes of its turn. Connections stay open. An object that
    /// stores nothing afterwards keeps an empty file.
    ///
    /// # Errors
    /// Fails when storage fails, or outside of the object's handlers.
    pub fn delete_all(&self) -> Result<()> {
        self.may_write(WriteKind::Everything)?;
        let migrations = &self.core.handle.behavior.data_version().migrations;
        self.write(|store| store.wipe_and_migrate(migrations))?;
        self.set_settings(|settings| *settings = Default::default())?;
        self.core.state_version.fetch_add(1, Ordering::AcqRel);
        Ok(())
    }

    /// Works on the store.
    pub(crate) fn store<R>(&self, work: impl FnOnce(&mut Store) -> Result<R>) -> Result<R> {
        self.turn()?.with_store(work)
    }

    /// Works on the store for a caller, who may read that a value is too big.
    pub(crate) fn write<R>(&self, work: impl FnOnce(&mut Store) -> Result<R, StorageError>) -> Result<R> {
        self.store(|store| work(store).map_err(storage_error))
    }

    /// Returns the version of the state, so that a cached decoded state can be checked.
    pub(crate) fn state_version(&self) -> u64 {
        self.core.state_version.load(Ordering::Acquire)
    }

    /// Returns whether an earlier activation in this process has found the stored data to be of the current
    /// version and readable.
    pub(crate) fn is_readable(&self) -> bool {
        self.core.handle.readable.load(Ordering::Relaxed)
    }

    /// Records that the stored data is of the current version and readable.
    pub(crate) fn note_readable(&self) {
        self.core.handle.readable.store(true, Ordering::Relaxed);
    }

    /// Returns the state as JSON; `None` if there is none.
    pub(crate) fn stored_state(&self) -> Result<Option<Bytes>> {
        self.store(|store| store.state().map_err(StorageError::into_error))
    }

    /// Returns the state as JSON with the version of its type; `None` if there is none.
    pub(crate) fn versioned_state(&self) -> Result<Option<StoredState>> {
        self.store(|store| store.versioned_state().map_err(StorageError::into_error))
    }

    /// Runs the missing migrations of the class in the running turn; returns their number.
    pub(crate) fn migrate_tables(&self) -> Result<usize> {
        let migrations = &self.core.handle.behavior.data_version().migrations;
        self.store(|store| store.migrate(migrations).map_err(StorageError::into_error))
    }

    /// Removes the state and keeps a copy of it under a key; returns the key.
    pub(crate) fn put_state_aside(&self) -> Result<String> {
        let key = self.write(|store| {
            let key = store.copy_state_aside()?;
            store.stage_state(None)?;
            Ok(key)
        })?;
        self.core.state_version.fetch_add(1, Ordering::AcqRel);
        Ok(key)
    }

    /// Replaces the state; it is written once, with the next commit.
    pub(crate) fn stage_state(&self, json: Bytes) -> Result<()> {
        self.write(|store| store.stage_state(Some(json)))?;
        self.core.state_version.fetch_add(1, Ordering::AcqRel);
        Ok(())
    }
}

impl SqlReadBackend for ObjectContext {
    fn query(&self, sql: &str, params: &[Column], most: usize) -> Result<Rows> {
        let query = |store: &mut Store, read_only| {
            store.query(sql, params, read_only, most).map_err(StorageError::into_error)
        };
        self.checked(|read_only| self.store(|store| query(store, read_only)))
    }
}

impl SqlBackend for ObjectContext {
    fn execute(&self, sql: &str, params: &[Column]) -> Result<u64> {
        self.checked(|read_only| self.write(|store| store.execute(sql, params, read_only)))
    }

    fn execute_batch(&self, sql: &str) -> Result<()> {
        self.checked(|read_only| self.write(|store| store.execute_batch(sql, read_only)))
    }

    fn savepoint(&self, step: Savepoint) -> Result<()> {
        self.transaction_step(step)
    }
}

impl KvReadBackend for ObjectContext {
    fn get(&self, key: &str) -> Result<Option<Bytes>> {
        self.write(|store| store.kv_get(key))
    }

    fn list(&self, range: &KvRange) -> Result<Vec<(String, Bytes)>> {
        self.write(|store| store.kv_list(range))
    }
}

impl KvBackend for ObjectContext {
    fn put(&self, key: &str, json: &[u8]) -> Result<()> {
        self.may_write(WriteKind::Storage)?;
        self.write(|store| store.kv_put(key, json))
    }

    fn delete(&self, key: &str) -> Result<bool> {
        self.may_write(WriteKind::Storage)?;
        self.write(|store| store.kv_delete(key))
    }

    fn delete_all(&self) -> Result<u64> {
        self.may_write(WriteKind::Storage)?;
        self.write(Store::kv_delete_all)
    }

    fn savepoint(&self, step: Savepoint) -> Result<()> {
        self.transaction_step(step)
    }
}
