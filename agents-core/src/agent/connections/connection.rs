//! A connection as handlers see it.

use std::fmt;
use std::sync::Arc;

use crate::agent::access::write_access::WriteAccess;
use crate::agent::connections::flags::NO_PROTOCOL;
use crate::agent::{AgentDefinition, AgentShared, UpdateResult};
use crate::error::{Error, Result};
use crate::gateway::IntoMessage;
use crate::object::WebSocket;
use crate::storage::{from_stored, keep};

/// One client's connection to an agent. Cheap to clone; it lives as long as the client stays,
/// whether the agent sleeps or not.
pub struct Connection<A: AgentDefinition> {
    pub(crate) core: Arc<AgentShared<A>>,
    pub(crate) socket: WebSocket,
}

impl<A: AgentDefinition> Connection<A> {
    /// Returns the id. It is what the client asked for with `_pk`, which it keeps over reconnects,
    /// or a random one. Other clients may know it: it is a name, not a secret.
    pub fn id(&self) -> &str {
        self.socket.id()
    }

    /// Returns path and query of the request that opened the connection.
    pub fn uri(&self) -> Option<&str> {
        self.socket.uri()
    }

    /// Returns the name of the agent.
    pub fn server(&self) -> &str {
        self.core.object.name()
    }

    /// Returns the tags; the first one is the id.
    pub fn tags(&self) -> &[String] {
        self.socket.tags()
    }

    /// Returns what was stored for this connection, as a snapshot: [`update_state`](Self::update_state) changes it.
    ///
    /// # Errors
    /// When nothing was stored yet; see [`try_state`](Self::try_state).
    pub fn state(&self) -> Result<Arc<A::Connection>> {
        self.try_state()?
            .ok_or_else(|| Error::hidden("no_connection_state", "the connection has no state yet"))
    }

    /// Returns what was stored for this connection, `None` before anything was.
    ///
    /// # Errors
    /// When what is stored is of another type.
    pub fn try_state(&self) -> Result<Option<Arc<A::Connection>>> {
        let kept = self.socket.entry.kept();
        match kept.attachment.user() {
            [] => Ok(None),
            json => Ok(Some(Arc::new(from_stored(json)?))),
        }
    }

    /// Stores a value for this connection, at most 16 KiB as JSON. It survives hibernation and
    /// goes with the connection.
    ///
    /// # Errors
    /// `attachment_too_big` when it is too large, `storage_json` when it could not be read again (a float that is NaN is
    /// enough), `overflow` as for [`send`](Self::send), or outside of the agent's handlers. Then nothing has changed.
    pub fn set_state(&self, state: A::Connection) -> Result<()> {
        self.socket.attach(keep(&state)?.as_bytes())
    }

    /// Changes what is stored for this connection and gives back what `update` returns. When that is an error nothing
    /// has changed.
    ///
    /// # Errors
    /// As [`state`](Self::state) and [`set_state`](Self::set_state), and the error of `update`.
    pub fn update_state<R: UpdateResult>(
        &self,
        update: impl FnOnce(&mut A::Connection) -> R,
    ) -> Result<R::Output> {
        let mut state = Arc::unwrap_or_clone(self.state()?);
        let output = update(&mut state).into_output()?;
        self.set_state(state)?;
        Ok(output)
    }

    /// Sends text, bytes, or a value as JSON. It leaves once the writes before it are durable.
    ///
    /// To a connection that is gone nothing is sent, and that is no error.
    ///
    /// # Errors
    /// `overflow` when more than [`Limits::outgoing_bytes_per_agent`](crate::Limits::outgoing_bytes_per_agent) waits to
    /// leave the agent, when the value has no JSON form, or outside of the agent's handlers.
    pub fn send(&self, message: impl IntoMessage) -> Result<()> {
        self.socket.send(message)
    }

    /// Closes the connection behind everything that was sent to it.
    ///
    /// The npm client takes 1008 and 4000-4999 as final and reconnects after any other code.
    ///
    /// # Errors
    /// When the code is none of 1000-1003, 1007-1014 and 3000-4999; or when the reason has
    /// more than 123 bytes.
    pub fn close(&self, code: u16, reason: impl Into<String>) -> Result<()> {
        self.socket.close(code, reason)
    }

    /// Closes the connection without a code; the client sees 1005.
    ///
    /// # Errors
    /// Outside of the agent's handlers.
    pub fn close_without_code(&self) -> Result<()> {
        self.socket.close_without_code()
    }

    /// Tells whether the connection may not change the agent's state.
    pub fn is_readonly(&self) -> bool {
        WriteAccess::of(self.socket.flags()).is_readonly()
    }

    /// Forbids or allows the connection to change the agent's state.
    ///
    /// A callable that lets clients do this to themselves is a convenience and no protection.
    ///
    /// # Errors
    /// Outside of the agent's handlers.
    pub fn set_readonly(&self, readonly: bool) -> Result<()> {
        self.socket.set_flags(WriteAccess::new(readonly).put(self.socket.flags()))
    }

    /// Tells whether the connection gets identity, state and MCP frames.
    pub fn is_protocol_enabled(&self) -> bool {
        !self.socket.flags().has(NO_PROTOCOL)
    }
}

impl<A: AgentDefinition> Clone for Connection<A> {
    fn clone(&self) -> Self {
        Self { core: self.core.clone(), socket: self.socket.clone() }
    }
}

impl<A: AgentDefinition> PartialEq for Connection<A> {
    fn eq(&self, other: &Self) -> bool {
        self.socket == other.socket
    }
}

impl<A: AgentDefinition> Eq for Connection<A> {}

impl<A: AgentDefinition> fmt::Debug for Connection<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("id", &self.id()).field("agent", self.core.object.key()).finish()
    }
}
