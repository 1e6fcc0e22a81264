//! The status of a client's connection.

use std::time::Duration;

use crate::{ClientError, Lost};

/// The status of a client's connection.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Status {
    /// The client is connecting.
    Connecting,
    /// The connection is open.
    Open,
    /// The client waits before the next attempt.
    Waiting {
        /// The number of attempts that have failed in a row, or 1 after a connection was lost.
        attempt: u32,
        /// The time that the client waits.
        delay: Duration,
        /// The reason why there is no connection.
        why: Lost,
    },
    /// The client has stopped.
    Closed(ClientError),
}

impl Status {
    /// Returns whether the connection is open.
    pub fn is_open(&self) -> bool {
        matches!(self, Self::Open)
    }
}
