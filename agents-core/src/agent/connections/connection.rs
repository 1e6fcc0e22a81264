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

/// A connection of a client to an agent. Cheap to clone; the connection stays open while the agent
/// hibernates.
pub struct Connection<A: AgentDefinition> {
    pub(crate) core: Arc<AgentShared<A>>,
    pub(crate) socket: WebSocket,
}

impl<A: AgentDefinition> Connection<A> {
    /// Returns the id. The client asks for an id with `_pk`, which it keeps over reconnects; without `_pk`
    /// the id is random. Other clients may know the id: it is a name and not a secret.
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

    /// Returns a snapshot of the value stored for this connection; change it with
    /// [`update_state`](Self::update_state).
    ///
    /// # Errors
    /// When no value was stored yet; see [`try_state`](Self::try_state).
    pub fn state(&self) -> Result<Arc<A::Connection>> {
        self.try_state()?
            .ok_or_else(|| Error::hidden("no_connection_state", "the connection has no state yet"))
    }

    /// Returns the value stored for this connection; `None` if no value was stored yet.
    ///
    /// # Errors
    /// `unreadable_connection_state` when the stored value is of another type.
    pub fn try_state(&self) -> Result<Option<Arc<A::Connection>>> {
        let kept = self.socket.entry.kept();
        match kept.attachment.user() {
            [] => Ok(None),
            json => {
                let unreadable = |error| Error::hidden("unreadable_connection_state", error);
                Ok(Some(Arc::new(from_stored(json).map_err(unreadable)?)))
            }
        }
    }

    /// Stores a value for this connection, at most 16 KiB as JSON. The value survives hibernation and is
    /// deleted when the connection closes.
    ///
    /// # Errors
    /// `attachment_too_big` when the value is too large, `storage_json` when it could not be read again (for
    /// example a float that is NaN), `overflow` as for [`send`](Self::send), or outside of the agent's
    /// handlers. The stored value has not changed then.
    pub fn set_state(&self, state: A::Connection) -> Result<()> {
        self.socket.attach(keep(&state)?.as_bytes())
    }

    /// Changes the value stored for this connection and returns the result of `update`. If that is an error,
    /// nothing has changed.
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

    /// Sends text, bytes, or a value as JSON. The message is sent after the earlier writes are durable.
    ///
    /// A message to a closed connection is dropped, which is not an error.
    ///
    /// # Errors
    /// `overflow` when more than
    /// [`Limits::outgoing_bytes_per_agent`](crate::Limits::outgoing_bytes_per_agent) waits to be sent by the
    /// agent, when the value has no JSON form, or outside of the agent's handlers.
    pub fn send(&self, message: impl IntoMessage) -> Result<()> {
        self.socket.send(message)
    }

    /// Closes the connection after all messages that were sent to it.
    ///
    /// The npm client takes 1008 and 4000-4999 as final and reconnects after any other code.
    ///
    /// # Errors
    /// When the code is not one of 1000-1003, 1007-1014 and 3000-4999, or when the reason has more than 123
    /// bytes.
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

    /// Returns whether the connection is read-only, which means that it may not change the agent's state.
    pub fn is_readonly(&self) -> bool {
        WriteAccess::of(self.socket.flags()).is_readonly()
    }

    /// Forbids or allows the connection to change the agent's state.
    ///
    /// A callable that lets clients change their own flag is a convenience and not a protection.
    ///
    /// # Errors
    /// Outside of the agent's handlers.
    pub fn set_readonly(&self, readonly: bool) -> Result<()> {
        self.socket.set_flags(WriteAccess::new(readonly).put(self.socket.flags()))
    }

    /// Returns whether the connection receives identity, state and MCP frames.
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
