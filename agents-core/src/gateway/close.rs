//! The end of a connection.

use serde::{Deserialize, Serialize};

use crate::wire::close_code;

/// The end of a connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Close {
    /// The close code; 1005 when the client sent none, 1006 when the connection was lost.
    pub code: u16,
    /// The reason, often empty.
    pub reason: String,
    /// `true` if there was a closing handshake.
    pub was_clean: bool,
}

impl Close {
    pub(crate) fn clean(code: u16, reason: impl Into<String>) -> Self {
        Self { code, reason: reason.into(), was_clean: true }
    }

    pub(crate) fn dropped() -> Self {
        Self { code: close_code::ABNORMAL, reason: String::new(), was_clean: false }
    }
}
