//! The source of a change of the state.

use std::fmt;

use crate::agent::{AgentDefinition, Connection};

/// The source of a change of the state, or of a rejected attempt.
///
/// ```
/// # use agents_core::{AgentDefinition, StateSource};
/// fn who<A: AgentDefinition>(source: &StateSource<A>) -> String {
///     match source {
///         StateSource::Client(conn) => format!("{} pushed it", conn.id()),
///         StateSource::Server { via: Some(conn), callable: Some(name) } => format!("{} called {name}", conn.id()),
///         StateSource::Server { via: Some(conn), .. } => format!("a hook, on behalf of {}", conn.id()),
///         _ => "the agent itself".to_owned(),
///     }
/// }
/// ```
#[non_exhaustive]
pub enum StateSource<A: AgentDefinition> {
    /// Code of the agent, for a connection or on its own.
    Server {
        /// The connection whose call, message or close caused the change; `None` for the agent's own work and
        /// for HTTP requests.
        via: Option<Connection<A>>,
        /// The callable that made the change, by its name on the wire; `None` in hooks and in the agent's own
        /// work.
        callable: Option<&'static str>,
    },
    /// A client that pushed a state.
    Client(Connection<A>),
}

impl<A: AgentDefinition> StateSource<A> {
    /// Returns the connection that pushed the state or whose event caused the change.
    pub fn connection(&self) -> Option<&Connection<A>> {
        match self {
            Self::Server { via, .. } => via.as_ref(),
            Self::Client(connection) => Some(connection),
        }
    }

    /// Returns the callable that made the change, by its name on the wire.
    pub fn callable(&self) -> Option<&'static str> {
        match self {
            Self::Server { callable, .. } => *callable,
            Self::Client(_) => None,
        }
    }

    /// Returns whether a client pushed the state.
    pub fn is_client(&self) -> bool {
        matches!(self, Self::Client(_))
    }

    /// Returns whether a callable made the change.
    pub fn is_callable(&self) -> bool {
        self.callable().is_some()
    }

    /// Returns whether the change is the agent's own work, without a connection.
    pub fn is_agent(&self) -> bool {
        matches!(self, Self::Server { via: None, callable: None })
    }
}

impl<A: AgentDefinition> Clone for StateSource<A> {
    fn clone(&self) -> Self {
        match self {
            Self::Server { via, callable } => Self::Server { via: via.clone(), callable: *callable },
            Self::Client(connection) => Self::Client(connection.clone()),
        }
    }
}

impl<A: AgentDefinition> fmt::Debug for StateSource<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Server { via, callable } => {
                f.debug_struct("Server").field("via", via).field("callable", callable).finish()
            }
            Self::Client(connection) => f.debug_tuple("Client").field(connection).finish(),
        }
    }
}
