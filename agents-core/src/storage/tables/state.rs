//! The state of an object: read at the first use, written once for each commit.

use bytes::Bytes;
use rusqlite::limits::Limit;
use rusqlite::{Connection, Row};

use crate::storage::Result;
use crate::storage::error::{SqlError, StorageError};
use crate::storage::store::Store;
use crate::storage::store::statement::Json;

const READ: &str = "/*agents*/SELECT value, version FROM _agents_state WHERE id = 0";
const WRITE: &str = "/*agents*/INSERT INTO _agents_state (id, value, version) VALUES (0, ?1, ?2) \
    ON CONFLICT (id) DO UPDATE SET value = excluded.value, version = excluded.version";
const DELETE: &str = "/*agents*/DELETE FROM _agents_state";

/// The key of a state that the program could not read. Later ones have a number.
const UNREADABLE: &str = "unreadable_state";

/// Runs `work` with the largest row length of SQLite. The state has a limit of its own, which is checked when
/// it is set.
fn with_room<R>(connection: &Connection, work: impl FnOnce() -> Result<R>) -> Result<R> {
    let failed = |error| StorageError::from(SqlError::from_sqlite(error, ""));
    let limit = connection.limit(Limit::SQLITE_LIMIT_LENGTH).map_err(failed)?;
    connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, i32::MAX).map_err(failed)?;
    let result = work();
    connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, limit).map_err(failed)?;
    result
}

/// A state as JSON text, with the version of its type.
#[derive(Clone, Debug)]
pub(crate) struct StoredState {
    pub(crate) json: Bytes,
    pub(crate) version: u32,
}

/// The state as the object sees it.
#[derive(Clone, Debug, Default)]
pub(in crate::storage) struct State {
    /// `None` if the state is not read yet; `Some(None)` if there is no state.
    current: Option<Option<StoredState>>,
    staged: bool,
}

impl State {
    pub(in crate::storage) fn is_staged(&self) -> bool {
        self.staged
    }

    pub(in crate::storage) fn committed(&mut self) {
        self.staged = false;
    }

    pub(in crate::storage) fn restore(&mut self, undo: State) {
        *self = undo;
    }

    pub(in crate::storage) fn forget(&mut self) {
        *self = Self::default();
    }
}

impl Store {
    /// Returns the state as JSON text, as the running turn sees it, or `None` if no state was ever set.
    ///
    /// The first call reads the row. Later calls return the value in memory.
    ///
    /// # Errors
    /// Fails with [`StorageError::Poisoned`], or when SQLite fails.
    pub fn state(&mut self) -> Result<Option<Bytes>> {
        Ok(self.versioned_state()?.map(|state| state.json))
    }

    /// Returns the state like [`Store::state`], with the version of its type.
    pub(crate) fn versioned_state(&mut self) -> Result<Option<StoredState>> {
        self.check()?;
        if let Some(state) = &self.state.current {
            return Ok(state.clone());
        }
        let row = self.found().and_then(|parts| match parts {
            Some(mut parts) => {
                let connection = parts.connection;
                let read = |row: &Row<'_>| {
                    let json = Bytes::copy_from_slice(row.get_ref(0)?.as_bytes()?);
                    Ok(StoredState { json, version: row.get(1)? })
                };
                with_room(connection, || parts.read_row(READ, (), read))
            }
            None => Ok(None),
        });
        let row = self.poison_on_fatal(row)?;
        self.state.current = Some(row.clone());
        Ok(row)
    }

    /// Sets the state, which is JSON text of the current version; `None` removes it. The next commit writes the last value once. A
    /// rollback undoes the change.
    ///
    /// # Errors
    /// Fails with [`StorageError::TooBig`]; the state is then unchanged.
    pub fn stage_state(&mut self, state: Option<Bytes>) -> Result<()> {
        self.check()?;
        let size = state.as_ref().map_or(0, Bytes::len);
        if size > self.options.state_bytes {
            return Err(StorageError::TooBig { what: "the state", size, limit: self.options.state_bytes });
        }
        if let Some(slot) = self.levels.undo_slot()
            && slot.is_none()
        {
            *slot = Some(self.state.clone());
        }
        let version = self.state_version;
        self.state.current = Some(state.map(|json| StoredState { json, version }));
        self.state.staged = true;
        Ok(())
    }

    /// Stores a copy of the state under a key of its own until the user deletes it. Returns the key.
    ///
    /// # Errors
    /// Fails with [`StorageError::TooBig`] when the state is too large for a value of a key, or when SQLite
    /// fails.
    pub fn copy_state_aside(&mut self) -> Result<String> {
        let state = self.state()?.unwrap_or_default();
        let copy = serde_json::Value::from(String::from_utf8_lossy(&state)).to_string();
        for number in 1_u64.. {
            let key = match number {
                1 => UNREADABLE.to_owned(),
                number => format!("{UNREADABLE}_{number}"),
            };
            match self.kv_get(&key)? {
                // The key holds another state that an earlier version of the program could not read.
                Some(other) if other != copy.as_bytes() => {}
                Some(_) => return Ok(key),
                None => {
                    self.kv_put(&key, copy.as_bytes())?;
                    return Ok(key);
                }
            }
        }
        Err(StorageError::Misuse("all keys are taken"))
    }

    pub(in crate::storage) fn flush_state(&mut self) -> Result<()> {
        self.write_state(self.state.clone())
    }

    /// Writes the state as the turns before the running one have left it.
    pub(in crate::storage) fn flush_earlier_state(&mut self) -> Result<()> {
        let earlier = self.levels.earlier_state().unwrap_or(&mut self.state);
        let state = earlier.clone();
        earlier.committed();
        self.write_state(state)
    }

    fn write_state(&mut self, state: State) -> Result<()> {
        if !state.staged {
            return Ok(());
        }
        match state.current.flatten() {
            Some(StoredState { json, version }) => {
                let mut parts = self.opened()?;
                let connection = parts.connection;
                with_room(connection, || parts.change(WRITE, (Json(&json), version)))?;
            }
            None => {
                if let Some(mut parts) = self.found()? {
                    parts.change(DELETE, ())?;
                }
            }
        }
        Ok(())
    }
}
