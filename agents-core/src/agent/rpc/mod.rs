//! Calls of clients: from a request frame to the method, and from its result to the reply.
//!
//! This module owns the lookup of a method, the decoding of its arguments, and streamed replies with their
//! credits. HTTP requests to an agent are handled here as well. This module does not know sockets: replies
//! are sent through the connections of the object.

pub(super) mod arguments;
pub(super) mod call_log;
pub(super) mod callable_list;
pub(super) mod dispatch;
pub(super) mod http;
pub(super) mod response_stream;
pub(super) mod streams;
