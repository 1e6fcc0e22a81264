//! The methods of an agent's runtime that do not write.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use crate::agent::{AgentDefinition, AgentEnv, Connection, Context};
use crate::error::Result;
use crate::storage::sql::{Column, Rows, SqlReadBackend, SqlReader};
use crate::storage::{KvRange, KvReadBackend, KvReader, StorageError, Store};

/// A [`Context`] without the methods that write.
///
/// A view cannot change the agent: neither its state nor rows, keys, alarm or settings. It cannot start
/// tasks. A view may list connections, send to a single connection and change that connection's own state.
/// The compiler enforces this: a view has no method that writes, and `sql!` with a statement that writes does
/// not compile. A query that only SQLite recognises as a write is refused when it runs, with the code
/// `sql_read_only`.
///
/// ```compile_fail
/// # use agents_core::{AgentDefinition, Result, View};
/// fn reset<A: AgentDefinition>(cx: &View<A>) -> Result<()> {
///     cx.storage().put("visits", &0)      // no method named `put`
/// }
/// ```
///
/// The view and the values made from it cannot write. Code that calls [`current`](crate::current) still
/// gets the whole context of the call.
pub struct View<A: AgentDefinition>(pub(crate) Context<A>);

impl<A: AgentDefinition> View<A> {
    /// Returns the name of the agent in its [canonical form](crate::wire::name::canonical), as it appears in
    /// an address.
    pub fn name(&self) -> &str {
        self.0.name()
    }

    /// Returns the class of the agent, as it appears in its address.
    pub fn class(&self) -> &str {
        self.0.class()
    }

    /// Returns the value that all agents of the host share; see [`Context::env`].
    pub fn env<E>(&self) -> &E
    where
        A: AgentEnv<E>,
    {
        self.0.env()
    }

    /// Returns the time in milliseconds since 1970, UTC.
    pub fn now(&self) -> u64 {
        self.0.now()
    }

    /// Returns the connection that this call came from.
    pub fn caller(&self) -> Option<&Connection<A>> {
        self.0.caller()
    }

    /// Returns the callable that this view was made for; see [`Context::callable`].
    pub fn callable(&self) -> Option<&'static str> {
        self.0.callable()
    }

    /// Returns an error if the calling connection is read-only; see [`Context::require_writable`].
    ///
    /// # Errors
    /// As [`Context::require_writable`].
    pub fn require_writable(&self) -> Result<()> {
        self.0.require_writable()
    }

    /// Returns the state; see [`Context::state`]. An initial state is stored on its first read, as the
    /// agent's own change.
    ///
    /// # Errors
    /// As [`Context::state`].
    pub fn state(&self) -> Result<Arc<A::State>> {
        self.0.state()
    }

    /// Returns the state; `None` if the agent has neither a state nor an initial one.
    ///
    /// # Errors
    /// As [`Context::try_state`].
    pub fn try_state(&self) -> Result<Option<Arc<A::State>>> {
        self.0.try_state()
    }

    /// Returns the open connections, oldest first.
    pub fn connections(&self) -> impl Iterator<Item = Connection<A>> + use<A> {
        self.0.connections()
    }

    /// Returns the open connections that have a tag, oldest first.
    pub fn connections_tagged(&self, tag: &str) -> impl Iterator<Item = Connection<A>> + use<A> {
        self.0.connections_tagged(tag)
    }

    /// Returns the open connection with this id.
    pub fn connection(&self, id: &str) -> Option<Connection<A>> {
        self.0.connection(id)
    }

    /// Returns the agent's database, for reading.
    pub fn sql(&self) -> SqlReader<'_> {
        SqlReader::new(self)
    }

    /// Returns the agent's key-value store, for reading.
    pub fn storage(&self) -> KvReader<'_> {
        KvReader::new(self)
    }
}

impl<A: AgentDefinition> SqlReadBackend for View<A> {
    fn query(&self, sql: &str, params: &[Column], most: usize) -> Result<Rows> {
        let query =
            |store: &mut Store| store.query(sql, params, true, most).map_err(StorageError::into_error);
        self.0.core.object.store(query)
    }
}

impl<A: AgentDefinition> KvReadBackend for View<A> {
    fn get(&self, key: &str) -> Result<Option<Bytes>> {
        self.0.core.object.store(|store| store.kv_get(key).map_err(StorageError::into_error))
    }

    fn list(&self, range: &KvRange) -> Result<Vec<(String, Bytes)>> {
        self.0.core.object.store(|store| store.kv_list(range).map_err(StorageError::into_error))
    }
}

impl<A: AgentDefinition> Clone for View<A> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<A: AgentDefinition> fmt::Debug for View<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("View").field(&self.0).finish()
    }
}
