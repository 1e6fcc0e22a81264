//! State, calls, read-only connections, SQL and the context of a call, over a real socket.

mod context;
mod leftovers;
mod newtypes;
mod permissions;
mod presence;
mod protocol;
mod readonly;
mod rejections;
mod rights;
mod rpc;
mod sql;
mod storage;
mod streaming;
mod strict;
mod support;
mod sync;
mod transactions;
mod twenty;
mod validation;
mod values;
