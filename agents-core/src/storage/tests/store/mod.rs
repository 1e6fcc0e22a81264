//! Tests of turns, commits and flushes.

pub(super) mod checkpoints;
pub(super) mod deferred;
pub(super) mod durability;
pub(super) mod separate;
pub(super) mod transactions;
