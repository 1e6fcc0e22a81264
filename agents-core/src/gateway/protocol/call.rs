//! A call between agents: a request with a call in its head. Clients cannot send one.

use serde::{Deserialize, Serialize};

/// The head of a call: its method, and the agents that wait for its result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CallHead {
    /// The name of the method on the wire.
    pub(crate) method: String,
    /// The chain of callers, the first one first; empty for a call from outside of all agents.
    pub(crate) callers: Vec<CallerLink>,
}

/// An agent that waits for a result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CallerLink {
    pub(crate) class: String,
    pub(crate) name: String,
    pub(crate) waits: Blocking,
}

/// The part of an agent that is blocked for other calls while the agent waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Blocking {
    /// No part is blocked.
    #[default]
    Free,
    /// The exclusive methods are blocked.
    Exclusive,
    /// Everything is blocked: the agent starts, or a handler runs alone.
    Closed,
}
