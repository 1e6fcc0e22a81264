//! HTTP requests to an object: how a handler reads the body and how its response leaves.
//!
//! Both bodies travel as messages with credits; nothing in here knows an HTTP connection.

pub(super) mod body_buffer;
pub(super) mod fetch;
pub(super) mod request_body;
pub(super) mod response_window;
