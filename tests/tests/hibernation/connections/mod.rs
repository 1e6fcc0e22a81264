//! Connections of an object that hibernates: refused, read-only, and disconnected.

pub(super) mod departed_clients;
pub(super) mod readonly;
pub(super) mod refusals;
