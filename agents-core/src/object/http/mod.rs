//! HTTP requests to an object: the body that a handler reads, and the response that is sent.
//!
//! Both bodies travel as messages with credits; this module uses no HTTP connection.

pub(super) mod body_buffer;
pub(super) mod fetch;
pub(super) mod request_body;
pub(super) mod response_window;
