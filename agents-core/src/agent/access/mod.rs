//! Rules about the actions that a caller may take on an agent.
//!
//! This module owns the check that runs before a write of a read-only caller, the report of a rejected write,
//! and the refusal of a connection with its close code. Decoding of calls and storage of the state belong to
//! other modules.

pub(super) mod permissions;
pub(super) mod refusal;
pub(super) mod rejection;
pub(super) mod write_access;
