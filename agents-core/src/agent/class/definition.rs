//! The types and options of a class of agents, as `#[agent]` on the struct states them.

use std::time::Duration;

use crate::interface::AgentClass;
use crate::object::ObjectOptions;
use crate::storage::Migration;
use crate::wire::Wire;

/// A type that can be the state of a connection or the properties of an agent: `#[wire]` and `Clone`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the state of a connection or the properties of an agent",
    label = "not a wire type with `Clone`",
    note = "put `#[wire] #[derive(Clone)]` on it"
)]
pub trait AgentValue: Wire + Clone + Send + Sync + 'static {}

impl<T: Wire + Clone + Send + Sync + 'static> AgentValue for T {}

/// The types and options of a class; implemented by `#[agent]` on a struct.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an agent",
    label = "not an agent",
    note = "put `#[agent]` on the struct and on its `impl`"
)]
pub trait AgentDefinition: AgentClass + Send + Sync {
    /// The type of the value that is stored for each connection.
    type Connection: AgentValue;
    /// The type of the properties that `on_start` is given.
    type Props: AgentValue;
    /// The type that all agents of the host share: configuration, clients, pools.
    type Env: Send + Sync + 'static;

    /// The version of the type of the state, from 1. It is stored with each state.
    const VERSION: u32 = 1;
    /// The SQL migrations, which run once for each agent, in this order.
    const MIGRATIONS: &'static [Migration] = &[];

    /// The doc comment of the struct.
    const DOCS: &'static str = "";

    /// Returns the options of the class.
    fn options() -> AgentOptions;

    /// Returns the state of an agent that has no stored state; `None` if such an agent starts without one.
    fn initial_state() -> Option<Self::State>;
}

/// A class of agents with the option `env` of `#[agent]`; `E` is the type of its [`env`](crate::Context::env).
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no `env`",
    label = "the agent has no `env`",
    note = "write `#[agent(env = TYPE)]` on the struct, and give the value to the host: `Agents::new().env(value)`"
)]
pub trait AgentEnv<E>: AgentDefinition<Env = E> {}

/// Options of a class, with their defaults.
#[derive(Clone, Debug)]
pub struct AgentOptions {
    pub(crate) object: ObjectOptions,
    pub(crate) send_identity: bool,
    pub(crate) callable_methods: bool,
    pub(crate) strict: bool,
    pub(crate) on_unreadable: OnUnreadable,
}

/// The reaction to a stored state that does not have the agent's type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnUnreadable {
    /// The agent does not start: calls fail, connections are closed with 4500, and the log has the code
    /// `unreadable_state`. The stored state is not changed, so a version of the program that can read it
    /// still can.
    #[default]
    Fail,
    /// The initial state replaces the stored one, which is kept under the key `unreadable_state`.
    Initial,
}

impl AgentOptions {
    /// Returns the defaults: the agent hibernates after 10 s, sends its identity and lists its callables.
    pub const fn new() -> Self {
        Self {
            object: ObjectOptions::new(),
            send_identity: true,
            callable_methods: true,
            strict: false,
            on_unreadable: OnUnreadable::Fail,
        }
    }

    /// Sets whether an idle agent hibernates, which removes it from memory.
    #[must_use]
    pub const fn hibernate(mut self, hibernate: bool) -> Self {
        self.object = self.object.hibernate(hibernate);
        self
    }

    /// Sets the time for which an agent is idle before it hibernates.
    #[must_use]
    pub const fn hibernate_after(mut self, after: Duration) -> Self {
        self.object = self.object.hibernate_after(after);
        self
    }

    /// Sets whether a new connection receives the name and class of the agent.
    #[must_use]
    pub const fn send_identity(mut self, send: bool) -> Self {
        self.send_identity = send;
        self
    }

    /// Sets whether clients may call the built-in method `getCallableMethods`, which lists the callables of the
    /// class. A callable of the class with this name replaces the built-in one.
    #[must_use]
    pub const fn callable_methods(mut self, list: bool) -> Self {
        self.callable_methods = list;
        self
    }

    /// Sets whether read-only connections are kept from all writes, and not only from changes of the state.
    ///
    /// In a strict agent, code that runs on behalf of a read-only connection cannot write rows, keys, the
    /// alarm or settings by any method; such a write fails with the code `readonly`. The flag of the
    /// connection at the moment of the write decides. The agent's own work is not affected.
    #[must_use]
    pub const fn strict(mut self, strict: bool) -> Self {
        self.strict = strict;
        self
    }

    /// Sets the reaction to a stored state that does not have the agent's type.
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
