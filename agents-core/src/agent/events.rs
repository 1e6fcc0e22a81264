//! What hooks are told.

use std::fmt;
use std::sync::Arc;

use crate::agent::{AgentDefinition, Connection, StateSource};
use crate::error::Error;

/// What went wrong, for `on_error`: on one connection, or anywhere else.
///
/// The hook returns `Ok(())` to say that it dealt with the error, or an error to have it logged.
#[non_exhaustive]
pub enum AgentError<A: AgentDefinition> {
    /// A connection broke the protocol, or one of its hooks failed.
    Connection {
        /// The connection.
        connection: Connection<A>,
        /// The error.
        error: Error,
    },
    /// Something that belongs to no connection failed.
    Server {
        /// The error.
        error: Error,
        /// What failed.
        source: ErrorSource,
    },
}

/// What failed in [`AgentError::Server`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorSource {
    /// `on_request`.
    Request,
    /// `on_state_changed` or `on_state_rejected`.
    StateHook,
    /// A task started with `cx.spawn`.
    Task,
    /// `on_hibernate`.
    Hibernate,
    /// `on_alarm`; it is tried again.
    Alarm,
}

/// A change of the state, for `on_state_changed`; it is stored and sent already.
#[non_exhaustive]
pub struct StateChange<A: AgentDefinition> {
    /// The state before; `None` if there was none.
    pub previous: Option<Arc<A::State>>,
    /// The state now.
    pub state: Arc<A::State>,
    /// Who changed it.
    pub source: StateSource<A>,
}

impl<A: AgentDefinition> AgentError<A> {
    /// Returns the error, whatever it belongs to.
    pub fn error(&self) -> &Error {
        match self {
            Self::Connection { error, .. } | Self::Server { error, .. } => error,
        }
    }

    /// Returns the error, whatever it belongs to.
    pub fn into_error(self) -> Error {
        match self {
            Self::Connection { error, .. } | Self::Server { error, .. } => error,
        }
    }
}

impl<A: AgentDefinition> fmt::Debug for AgentError<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connection { connection, error } => {
                f.debug_struct("Connection").field("connection", connection).field("error", error).finish()
            }
            Self::Server { error, source } => {
                f.debug_struct("Server").field("error", error).field("source", source).finish()
            }
        }
    }
}

impl<A: AgentDefinition> fmt::Debug for StateChange<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StateChange").field("source", &self.source).finish_non_exhaustive()
    }
}
