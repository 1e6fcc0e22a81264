//! The errors of a client.

use std::sync::Arc;

use http::StatusCode;

/// An error of the client.
///
/// Cheap to clone, because one lost connection can fail many calls.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The address is invalid: the URL, a header, the class or the name.
    #[error("invalid address: {0}")]
    Address(String),

    /// A value could not be written as JSON, or the arguments are not a list.
    #[error("cannot send this value: {0}")]
    Serialize(Arc<serde_json::Error>),

    /// The arguments of a call are neither a tuple, nor an array, nor `()`.
    #[error("the arguments of a call must be a tuple or an array, as in `(\"hi\",)`")]
    Arguments,

    /// The agent sent a value that is not of the expected type.
    #[error("unexpected value: {0}")]
    Deserialize(Arc<serde_json::Error>),

    /// The agent answered the call with an error, which has this text.
    #[error("{0}")]
    Rpc(String),

    /// No answer arrived in time.
    #[error("no answer in time")]
    Timeout,

    /// The connection was lost while the call was on the wire; the method may have run.
    #[error("disconnected: {0}")]
    Disconnected(Lost),

    /// The server closed the connection with 1008 or a code of 4000-4999, which is final.
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

    /// The connection could not be made, and the client has stopped.
    #[error("cannot connect: {0}")]
    Connect(Lost),

    /// A frame is larger than the limit of this client.
    #[error("a frame has {size} bytes, the limit is {limit}")]
    TooLarge {
        /// The size of the frame.
        size: usize,
        /// The limit.
        limit: usize,
    },

    /// The reader was too slow and missed this number of items.
    #[error("the reader is too slow: {0} items were dropped")]
    Lagged(u64),

    /// The result of a stream was requested before its end.
    #[error("the stream has not ended")]
    StreamOpen,

    /// A close code or reason that the protocol does not allow.
    #[error("the close code must be 1000 or 3000-4999, and the reason must not exceed 123 bytes")]
    CloseCode,
}

impl ClientError {
    /// Returns a stable name for this kind of error, for logs and metrics.
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

    /// Returns whether the client has stopped: no later call can succeed.
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

/// The reason why there is no connection.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Lost {
    /// The server closed the connection with this code and reason (1005: no code was given).
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

    /// The connection failed or could not be opened.
    #[error("{0}")]
    Transport(String),
}
