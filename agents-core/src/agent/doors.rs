//! The database behind a context: what a handler reads and writes goes through its turn.

use bytes::Bytes;

use crate::agent::{AgentTypes, Context, View};
use crate::error::{Error, Result};
use crate::storage::sql::{Column, Row, Savepoint, SqlDoor};
use crate::storage::{KvDoor, KvRange, StorageError, Store};

/// A caller may read that something of theirs is too big; everything else stays in the log.
fn told(error: StorageError) -> Error {
    let visible = matches!(error, StorageError::TooBig { .. });
    let error = error.into_error();
    if visible { error.visible() } else { error }
}

impl<A: AgentTypes> Context<A> {
    fn store<R>(&self, work: impl FnOnce(&mut Store) -> Result<R, StorageError>) -> Result<R> {
        self.core.object.store(|store| work(store).map_err(told))
    }
}

impl<A: AgentTypes> SqlDoor for Context<A> {
    fn query(
        &self,
        sql: &str,
        params: &[Column],
        rows: &mut dyn FnMut(&Row<'_>) -> Result<bool>,
    ) -> Result<()> {
        self.core.object.store(|store| store.query(sql, params, false, rows))
    }

    fn execute(&self, sql: &str, params: &[Column]) -> Result<u64> {
        self.store(|store| store.execute(sql, params, false))
    }

    fn execute_batch(&self, sql: &str) -> Result<()> {
        self.store(|store| store.execute_batch(sql, false))
    }

    fn savepoint(&self, step: Savepoint) -> Result<()> {
        self.core.object.savepoint(step)
    }
}

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
        self.0.store(|store| store.execute(sql, params, true))
    }

    fn execute_batch(&self, sql: &str) -> Result<()> {
        self.0.store(|store| store.execute_batch(sql, true))
    }

    fn savepoint(&self, _: Savepoint) -> Result<()> {
        // Nothing is written, so there is nothing to undo.
        Ok(())
    }
}

impl<A: AgentTypes> KvDoor for Context<A> {
    fn get(&self, key: &str) -> Result<Option<Bytes>> {
        self.store(|store| store.kv_get(key))
    }

    fn put(&self, key: &str, json: &[u8]) -> Result<()> {
        self.store(|store| store.kv_put(key, json))
    }

    fn delete(&self, key: &str) -> Result<bool> {
        self.store(|store| store.kv_delete(key))
    }

    fn list(&self, range: &KvRange) -> Result<Vec<(String, Bytes)>> {
        self.store(|store| store.kv_list(range))
    }

    fn delete_all(&self) -> Result<u64> {
        self.store(|store| store.kv_delete_all())
    }
}
