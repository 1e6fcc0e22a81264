//! How a client is connected.

use std::time::Duration;

use crate::{ClientError, Lost};

/// What a client is doing about its connection.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Status {
    /// It is connecting.
    Connecting,
    /// The connection is open.
    Open,
    /// It waits before the next attempt.
    Waiting {
        /// How many attempts have failed in a row, or 1 after a connection was lost.
        attempt: u32,
        /// How long it waits.
        delay: Duration,
        /// Why there is no connection.
        why: Lost,
    },
    /// It has stopped for good.
    Closed(ClientError),
}

impl Status {
    /// Whether the connection is open.
    pub fn is_open(&self) -> bool {
        matches!(self, Self::Open)
    }
}
