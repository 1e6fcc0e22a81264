//! Helpers of the connection tests.

pub(super) mod captured_log;
pub(super) mod response_text;
