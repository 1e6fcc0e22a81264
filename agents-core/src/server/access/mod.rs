//! The rules of a host about who may reach which agent.
//!
//! This module owns the configuration of access, the program's own `authorize`, routes, origins, proxies, and the
//! limits of an address.
//! It decides before an agent is touched, and it knows requests but no agents.

pub(super) mod authorize;
pub(super) mod config;
pub(super) mod cors;
pub(super) mod origins;
pub(super) mod proxies;
pub(super) mod rate_limits;
pub(super) mod routes;
