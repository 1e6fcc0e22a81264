//! The rules about who may do what to an agent.
//!
//! This module owns the check that runs before a write of a read-only caller, the report of a rejected write, and the
//! refusal of a connection with its close code.
//! It does not know how a call is decoded or how a state is stored.

pub(super) mod permissions;
pub(super) mod refusal;
pub(super) mod rejection;
pub(super) mod write_access;
