//! What can go wrong for a client.

use std::sync::Arc;

use http::StatusCode;

/// An error of the client.
///
/// It is cheap to clone, because one lost connection can fail many calls.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The address does not lead to an agent: a bad URL, header, class or name.
    #[error("bad address: {0}")]
    Address(String),

    /// A value could not be written as JSON, or the arguments are not a list.
    #[error("cannot send this value: {0}")]
    Serialize(Arc<serde_json::Error>),

    /// The arguments of a call are neither a tuple, nor an array, nor `()`.
    #[error("the arguments of a call are a tuple or an array, as in `(\"hi\",)`")]
    Arguments,

    /// The agent sent a value that is not of the expected type.
    #[error("unexpected value: {0}")]
    Deserialize(Arc<serde_json::Error>),

    /// The agent answered the call with an error; this is its text.
    #[error("{0}")]
    Rpc(String),

    /// No answer in time.
    #[error("no answer in time")]
    Timeout,

    /// The connection was lost while the call was on the wire, so nobody knows whether it ran.
    #[error("disconnected: {0}")]
    Disconnected(Lost),

    /// The server closed the connection for good, with 1008 or a code of 4000-4999.
    #[error("refused by the server: {code} {reason}")]
    Refused {
        /// The close code.
        code: u16,
        /// The reason, often empty.
        reason: String,
    },

    /// This client was closed, or its last handle was dropped.
    #[error("the client is closed")]
    Closed,

    /// The connection could not be made, and the client has given up.
    #[error("cannot connect: {0}")]
    Connect(Lost),

    /// A frame is larger than the limit of this client.
    #[error("a frame of {size} bytes is over the limit of {limit}")]
    TooLarge {
        /// The size of the frame.
        size: usize,
        /// The limit.
        limit: usize,
    },

    /// The reader was too slow and missed this many items.
    #[error("too slow: {0} items were dropped")]
    Lagged(u64),

    /// The result of a stream was asked for before its end.
    #[error("the stream has not ended")]
    StreamOpen,

    /// A close code or reason that the protocol does not allow.
    #[error("close with 1000 or 3000-4999 and a reason of at most 123 bytes")]
    CloseCode,
}

impl ClientError {
    /// A stable name for this kind of error, for logs and metrics.
    ///
    /// ```
    /// assert_eq!(agents_client::ClientError::Timeout.code(), "timeout");
    /// ```
    pub fn code(&self) -> &'static str {
        match self {
            Self::Address(_) => "address",
            Self::Serialize(_) => "serialize",
            Self::Arguments => "arguments",
            Self::Deserialize(_) => "deserialize",
            Self::Rpc(_) => "rpc",
            Self::Timeout => "timeout",
            Self::Disconnected(_) => "disconnected",
            Self::Refused { .. } => "refused",
            Self::Closed => "closed",
            Self::Connect(_) => "connect",
            Self::TooLarge { .. } => "too_large",
            Self::Lagged(_) => "lagged",
            Self::StreamOpen => "stream_open",
            Self::CloseCode => "close_code",
        }
    }

    /// Whether the client has stopped for good: no later call can succeed.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Refused { .. } | Self::Closed | Self::Connect(_))
    }

    pub(crate) fn serialize(error: serde_json::Error) -> Self {
        Self::Serialize(Arc::new(error))
    }

    pub(crate) fn deserialize(error: serde_json::Error) -> Self {
        Self::Deserialize(Arc::new(error))
    }
}

/// Why there is no connection.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Lost {
    /// The server closed the connection with this code and reason (1005: none was given).
    #[error("closed with {code} {reason}")]
    Closed {
        /// The close code.
        code: u16,
        /// The reason, often empty.
        reason: String,
    },

    /// The server refused the upgrade with this HTTP status.
    #[error("the upgrade was refused with {0}")]
    Handshake(StatusCode),

    /// The server did not answer the connect or the heartbeat in time.
    #[error("the server does not answer")]
    Silent,

    /// The connection broke or never came to be.
    #[error("{0}")]
    Transport(String),
}
