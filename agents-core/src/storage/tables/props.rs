//! The properties with which an object was first started.

use crate::storage::StorageError;
use crate::storage::sql::Column;
use crate::storage::store::Store;

const READ: &str = "/*agents*/SELECT value FROM _agents_meta WHERE key = 'props'";
const WRITE: &str = "/*agents*/INSERT OR REPLACE INTO _agents_meta (key, value) VALUES ('props', ?1)";

impl Store {
    /// Returns the properties as JSON, or `None` if none were given.
    ///
    /// # Errors
    /// Fails when SQLite fails.
    pub fn props(&mut self) -> crate::Result<Option<String>> {
        self.meta_text(READ)
    }

    /// Stores the properties. They are JSON text.
    ///
    /// # Errors
    /// Fails when SQLite fails.
    pub fn put_props(&mut self, json: String) -> crate::Result<()> {
        self.internal_execute(WRITE, &[Column::Text(json)]).map(|_| ()).map_err(StorageError::into_error)
    }

    /// Reads a text of the meta table.
    pub(in crate::storage) fn meta_text(&mut self, sql: &'static str) -> crate::Result<Option<String>> {
        let there = self.found().map(|parts| parts.is_some());
        if !self.poison_on_fatal(there).map_err(StorageError::into_error)? {
            return Ok(None);
        }
        let rows = self.internal_query(sql, &[]).map_err(StorageError::into_error)?;
        rows.iter().next().map(|row| row.get::<String>(0)).transpose()
    }
}
