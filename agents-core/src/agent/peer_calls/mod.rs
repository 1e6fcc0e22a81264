//! Calls from one agent to another.
//!
//! This module owns the stub, the request that carries a call, the chain of callers that detects cycles, and
//! the frames of a streamed reply. A call travels as a request of the object layer; this module does not know
//! where the other agent runs.

pub(super) mod backlog;
pub(super) mod call_chain;
pub(super) mod call_head;
pub(super) mod reply_frame;
pub(super) mod serve;
pub(super) mod stub;
