//! The state row: read when it is first asked for, written once a commit.

use bytes::Bytes;

use super::Result;
use super::error::StorageError;
use super::statement::Json;
use super::store::Store;

const READ: &str = "/*agents*/SELECT value FROM _agents_state WHERE id = 0";
const WRITE: &str = "/*agents*/INSERT INTO _agents_state (id, value) VALUES (0, ?1) \
    ON CONFLICT (id) DO UPDATE SET value = excluded.value";
const DELETE: &str = "/*agents*/DELETE FROM _agents_state";

/// The state as the object sees it.
#[derive(Clone, Debug, Default)]
pub(super) struct State {
    /// `None`: not read yet. `Some(None)`: there is no state.
    current: Option<Option<Bytes>>,
    staged: bool,
}

/// The state as it was before a level changed it.
pub(super) type Undo = State;

impl State {
    pub(super) fn is_staged(&self) -> bool {
        self.staged
    }

    pub(super) fn committed(&mut self) {
        self.staged = false;
    }

    pub(super) fn restore(&mut self, undo: Undo) {
        *self = undo;
    }

    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }
}

impl Store {
    /// Returns the state, JSON text, as the running turn sees it; `None` if none was ever set.
    ///
    /// The first call reads the row, later ones return what is in memory.
    ///
    /// # Errors
    /// [`StorageError::Poisoned`], or when SQLite fails.
    pub fn state(&mut self) -> Result<Option<Bytes>> {
        self.check()?;
        if let Some(state) = &self.state.current {
            return Ok(state.clone());
        }
        let row = self.found().and_then(|parts| match parts {
            Some(mut parts) => parts.read_one(READ, ()),
            None => Ok(None),
        });
        let row = self.settle(row)?;
        self.state.current = Some(row.clone());
        Ok(row)
    }

    /// Sets the state, JSON text; `None` takes it away. The next commit writes it, once however
    /// often it was set, and a rollback undoes it.
    ///
    /// # Errors
    /// [`StorageError::TooBig`], and nothing has changed then.
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
        self.state.current = Some(state);
        self.state.staged = true;
        Ok(())
    }

    pub(super) fn flush_state(&mut self) -> Result<()> {
        if !self.state.staged {
            return Ok(());
        }
        match self.state.current.clone().flatten() {
            Some(json) => {
                self.opened()?.change(WRITE, (Json(&json),))?;
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
