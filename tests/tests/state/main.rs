//! State, calls, read-only connections, SQL and the context of a call, over a real socket.

mod context;
mod protocol;
mod readonly;
mod rpc;
mod streaming;
mod support;
mod sync;
mod validation;
