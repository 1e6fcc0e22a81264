//! What the object layer keeps for an object beside the user's data.

use crate::storage::StorageError;
use crate::storage::sql::Column;
use crate::storage::store::Store;

const READ: &str = "/*agents*/SELECT value FROM _agents_meta WHERE key = 'settings'";
const WRITE: &str = "/*agents*/INSERT OR REPLACE INTO _agents_meta (key, value) VALUES ('settings', ?1)";

impl Store {
    /// Returns the settings as JSON, `None` if none were given.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn settings(&mut self) -> crate::Result<Option<String>> {
        self.meta_text(READ)
    }

    /// Keeps the settings, JSON text.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn put_settings(&mut self, json: String) -> crate::Result<()> {
        self.internal_execute(WRITE, &[Column::Text(json)]).map(|_| ()).map_err(StorageError::into_error)
    }
}
