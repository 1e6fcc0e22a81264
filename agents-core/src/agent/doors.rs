//! The database behind a view: only what SQLite itself calls reading.

use crate::agent::{AgentTypes, View};
use crate::error::Result;
use crate::storage::sql::{Column, Row, Savepoint, SqlDoor};

impl<A: AgentTypes> SqlDoor for View<A> {
    fn query(
        &self,
        sql: &str,
        params: &[Column],
        rows: &mut dyn FnMut(&Row<'_>) -> Result<bool>,
    ) -> Result<()> {
        self.0.core.object.store(|store| store.query(sql, params, true, rows))
    }

    fn execute(&self, sql: &str, params: &[Column]) -> Result<u64> {
        self.0.core.object.write(|store| store.execute(sql, params, true))
    }

    fn execute_batch(&self, sql: &str) -> Result<()> {
        self.0.core.object.write(|store| store.execute_batch(sql, true))
    }

    fn savepoint(&self, _: Savepoint) -> Result<()> {
        // Nothing is written, so there is nothing to undo.
        Ok(())
    }
}
