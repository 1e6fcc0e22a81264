//! Errors: what hooks, the log and clients get of them.

pub(super) mod error_hook;
pub(super) mod hidden_details;
pub(super) mod log_levels;
