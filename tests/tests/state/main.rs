//! State, calls, read-only connections, SQL and the context of a call, over a real socket.

mod calls;
mod readonly;
mod rights;
mod storage;
mod support;
mod sync;
