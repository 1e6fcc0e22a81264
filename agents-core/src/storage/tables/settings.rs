//! The settings that the object layer stores for an object.

use crate::storage::StorageError;
use crate::storage::sql::Column;
use crate::storage::store::Store;

const READ: &str = "/*agents*/SELECT value FROM _agents_meta WHERE key = 'settings'";
const WRITE: &str = "/*agents*/INSERT OR REPLACE INTO _agents_meta (key, value) VALUES ('settings', ?1)";

impl Store {
    /// Returns the settings as JSON, or `None` if none were given.
    ///
    /// # Errors
    /// Fails when SQLite fails.
    pub fn settings(&mut self) -> crate::Result<Option<String>> {
        self.meta_text(READ)
    }

    /// Stores the settings. They are JSON text.
    ///
    /// # Errors
    /// Fails when SQLite fails.
    pub fn put_settings(&mut self, json: String) -> crate::Result<()> {
        self.internal_execute(WRITE, &[Column::Text(json)]).map(|_| ()).map_err(StorageError::into_error)
    }
}
