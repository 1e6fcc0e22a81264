//! Messages of users, which are not part of the protocol.

use agents_protocol::wire::Wire;
use bytes::Bytes;

use crate::ClientError;

/// A text or binary message that is not a frame of the protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// Text.
    Text(String),
    /// Bytes.
    Binary(Bytes),
}

impl Message {
    /// Returns the text of a text message; `None` for a binary one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Binary(_) => None,
        }
    }

    /// Reads a message that is JSON, text or binary, as a `#[wire]` type or another wire type.
    ///
    /// ```
    /// use agents_client::Message;
    ///
    /// assert_eq!(Message::from("[1,2]").json::<Vec<u8>>().unwrap(), [1, 2]);
    /// ```
    ///
    /// # Errors
    /// [`ClientError::Deserialize`] when the message is not JSON, or is of another type.
    pub fn json<T: Wire>(&self) -> Result<T, ClientError> {
        let bytes = match self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary(bytes) => bytes,
        };
        let mut reader = serde_json::Deserializer::from_slice(bytes);
        let value = T::wire_deserialize(&mut reader).map_err(ClientError::deserialize)?;
        reader.end().map_err(ClientError::deserialize)?;
        Ok(value)
    }

    /// Returns the size in bytes.
    pub fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Binary(bytes) => bytes.len(),
        }
    }

    /// Returns whether the message is empty.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl From<&str> for Message {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Message {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&[u8]> for Message {
    fn from(bytes: &[u8]) -> Self {
        Self::Binary(Bytes::copy_from_slice(bytes))
    }
}

impl From<Vec<u8>> for Message {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Binary(bytes.into())
    }
}

impl From<Bytes> for Message {
    fn from(bytes: Bytes) -> Self {
        Self::Binary(bytes)
    }
}
