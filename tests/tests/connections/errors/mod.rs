//! Errors: their form for hooks, for the log and for clients.

pub(super) mod error_hook;
pub(super) mod hidden_details;
pub(super) mod log_levels;
