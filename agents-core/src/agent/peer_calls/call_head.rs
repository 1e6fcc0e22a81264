//! A call between agents, or an HTTP request that one hands to another: a request with the callers in its head.
//! Clients cannot send one.
//!
//! The head travels as JSON in the internal part of a request, which the layers below do not read.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::object::BlockedPart;

/// The head of a call: its method, and the agents that wait for its result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CallHead {
    /// The name of the method on the wire; `None` for an HTTP request.
    pub(crate) method: Option<String>,
    /// The chain of callers, the first one first; empty for a call from outside of all agents.
    pub(crate) callers: Vec<CallerLink>,
}

/// An agent that waits for a result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CallerLink {
    pub(crate) class: String,
    pub(crate) name: String,
    pub(crate) waits: BlockedPart,
}

impl CallHead {
    /// Returns the head as the internal part of a request.
    pub(crate) fn encode(&self) -> Result<Bytes> {
        Ok(serde_json::to_vec(self).map_err(Error::not_json)?.into())
    }

    /// Reads the internal part of a request.
    ///
    /// # Errors
    /// `peer_frame` when another version of the program wrote a head of another form.
    pub(crate) fn decode(internal: &[u8]) -> Result<Self> {
        serde_json::from_slice(internal).map_err(|error| Error::hidden("peer_frame", error))
    }
}
