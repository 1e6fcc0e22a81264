//! The meaning of the items, and all mistakes in them.

pub(crate) mod agent_impl;
pub(crate) mod agent_struct;
pub(crate) mod callable;
pub(crate) mod hook;
pub(crate) mod hook_rule;
pub(crate) mod neighbours;
pub(crate) mod parameter;
pub(crate) mod snapshot;
pub(crate) mod types;
pub(crate) mod wire;
