//! Calls of clients: arguments, results, streams, and the context of a call.

mod callable_list;
pub(super) mod context;
pub(super) mod rpc;
pub(super) mod streaming;
