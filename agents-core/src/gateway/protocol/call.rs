//! A call between agents: a request whose head says so. No client can send one.

use serde::{Deserialize, Serialize};

/// What a call asks for, and who waits for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CallHead {
    /// The method, by its name on the wire.
    pub(crate) method: String,
    /// Who called whom, the first one first; empty for a call from outside of all agents.
    pub(crate) callers: Vec<CallerLink>,
}

/// One agent that waits for an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CallerLink {
    pub(crate) class: String,
    pub(crate) name: String,
    pub(crate) waits: Blocking,
}

/// What an agent keeps from others while it waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Blocking {
    /// Nothing.
    #[default]
    Free,
    /// Its exclusive methods.
    Exclusive,
    /// Everything: it starts, or a handler runs alone.
    Closed,
}
