//! Calls of clients: arguments, results, streams, and the context of a call.

pub(super) mod context;
pub(super) mod rpc;
pub(super) mod streaming;
