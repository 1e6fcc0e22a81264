//! The rules of a host for access to agents.
//!
//! This module owns the configuration of access, the program's own `authorize`, routes, origins, proxies, and
//! the limits of an address. It decides before an agent is touched: it knows requests and no agents.

pub(super) mod authorize;
pub(super) mod config;
pub(super) mod cors;
pub(super) mod origins;
pub(super) mod proxies;
pub(super) mod rate_limits;
pub(super) mod routes;
