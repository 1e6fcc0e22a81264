//! The payloads of hooks.

use std::fmt;
use std::sync::Arc;

use crate::agent::{AgentDefinition, Connection, StateSource};
use crate::error::Error;

/// An error, as it is given to `on_error`: of one connection, or of another part of the agent.
///
/// The hook returns `Ok(())` if it handled the error, or an error to have it logged.
#[non_exhaustive]
pub enum AgentError<A: AgentDefinition> {
    /// The connection violated the protocol, or one of its hooks failed.
    Connection {
        /// The connection.
        connection: Connection<A>,
        /// The error.
        error: Error,
    },
    /// A part of the agent that does not belong to a connection failed.
    Server {
        /// The error.
        error: Error,
        /// The part that failed.
        source: ErrorSource,
    },
}

/// The part that failed in [`AgentError::Server`].
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
    /// `on_alarm`; the alarm is retried.
    Alarm,
}

/// A change of the state, as it is given to `on_state_changed`; the new state is already stored and sent.
#[non_exhaustive]
pub struct StateChange<A: AgentDefinition> {
    /// The state before; `None` if there was none.
    pub previous: Option<Arc<A::State>>,
    /// The state now.
    pub state: Arc<A::State>,
    /// The source of the change.
    pub source: StateSource<A>,
}

impl<A: AgentDefinition> AgentError<A> {
    /// Returns the error of either variant.
    pub fn error(&self) -> &Error {
        match self {
            Self::Connection { error, .. } | Self::Server { error, .. } => error,
        }
    }

    /// Returns the error of either variant, consuming `self`.
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
