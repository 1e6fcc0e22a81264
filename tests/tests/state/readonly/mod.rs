//! Read-only connections and strict agents.

pub(super) mod connections;
pub(super) mod leftovers;
pub(super) mod strict;
pub(super) mod unchecked_callables;
