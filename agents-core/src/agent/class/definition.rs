//! What a class of agents is made of, as `#[agent]` on the struct states it.

use std::time::Duration;

use crate::interface::AgentClass;
use crate::object::ObjectOptions;
use crate::wire::Wire;

/// A type that can be the state of a connection or the properties of an agent: `#[wire]` and `Clone`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be kept for a connection or given as properties",
    label = "not a value that can be kept",
    note = "put `#[wire] #[derive(Clone)]` on it"
)]
pub trait AgentValue: Wire + Clone + Send + Sync + 'static {}

impl<T: Wire + Clone + Send + Sync + 'static> AgentValue for T {}

/// The types and options of a class; written by `#[agent]` on a struct.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an agent",
    label = "not an agent",
    note = "put `#[agent]` on the struct and on its `impl`"
)]
pub trait AgentDefinition: AgentClass + Send + Sync {
    /// What is kept for each connection.
    type Connection: AgentValue;
    /// What `on_start` is given.
    type Props: AgentValue;
    /// What all agents of the host share: configuration, clients, pools.
    type Env: Send + Sync + 'static;

    /// The doc comment.
    const DOCS: &'static str = "";

    /// The options of the class.
    fn options() -> AgentOptions;

    /// The state of an agent that never had one; `None` if such an agent has no state.
    fn initial_state() -> Option<Self::State>;
}

/// Options of a class, with their defaults.
#[derive(Clone, Debug)]
pub struct AgentOptions {
    pub(crate) object: ObjectOptions,
    pub(crate) send_identity: bool,
    pub(crate) strict: bool,
    pub(crate) on_unreadable: OnUnreadable,
}

/// The choice of what becomes of an agent whose stored state is not of its type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnUnreadable {
    /// The agent does not start: calls fail, connections are closed with 4500, the log has the code
    /// `unreadable_state`. What is stored stays as it is, for a version of the program that reads it.
    #[default]
    Fail,
    /// The initial state takes its place, and what was stored is kept under the key `unreadable_state`.
    Initial,
}

impl AgentOptions {
    /// The defaults: hibernates after 10 s, sends its identity.
    pub const fn new() -> Self {
        Self {
            object: ObjectOptions::new(),
            send_identity: true,
            strict: false,
            on_unreadable: OnUnreadable::Fail,
        }
    }

    /// Whether an idle agent leaves memory.
    #[must_use]
    pub const fn hibernate(mut self, hibernate: bool) -> Self {
        self.object = self.object.hibernate(hibernate);
        self
    }

    /// How long an agent is idle before it leaves memory.
    #[must_use]
    pub const fn hibernate_after(mut self, after: Duration) -> Self {
        self.object = self.object.hibernate_after(after);
        self
    }

    /// Whether a new connection is told the name and class of the agent.
    #[must_use]
    pub const fn send_identity(mut self, send: bool) -> Self {
        self.send_identity = send;
        self
    }

    /// Whether read-only connections may write nothing at all, and not only no state.
    ///
    /// Then what a handler does on behalf of a read-only connection may not write rows, keys, the alarm
    /// or settings either, through whatever door; it fails with the code `readonly`. What counts is the
    /// flag at the moment of the write. The agent's own work is not concerned.
    #[must_use]
    pub const fn strict(mut self, strict: bool) -> Self {
        self.strict = strict;
        self
    }

    /// Sets what becomes of an agent whose stored state is not of its type.
    #[must_use]
    pub const fn on_unreadable(mut self, on_unreadable: OnUnreadable) -> Self {
        self.on_unreadable = on_unreadable;
        self
    }
}

impl Default for AgentOptions {
    fn default() -> Self {
        Self::new()
    }
}
