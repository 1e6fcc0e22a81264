//! Connections of an object that sleeps: refused, read-only, and gone.

pub(super) mod departed_clients;
pub(super) mod readonly;
pub(super) mod refusals;
