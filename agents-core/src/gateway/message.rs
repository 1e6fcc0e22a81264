//! The messages of a socket, and the end of a connection.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::gateway::FRAME_BYTES;
use crate::gateway::quota::memory_budget::bytes_as_value;
use crate::wire::{self, JsonMessage, Wire, close_code};

/// A message on a socket: text or bytes.
///
/// ```
/// use agents_core::Message;
///
/// let message = Message::from(r#"{"a":1}"#);
/// assert_eq!(message.text(), Some(r#"{"a":1}"#));
/// assert_eq!(message.json::<serde_json::Value>().unwrap()["a"], 1);
/// assert_eq!(Message::from(vec![1, 2, 3]).binary().map(|bytes| bytes.len()), Some(3));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Message {
    /// A text message.
    Text(String),
    /// A binary message.
    Binary(Bytes),
}

impl Message {
    /// Returns the maximum number of bytes that the message takes after an object has read it as JSON,
    /// including its overhead.
    pub(crate) fn bytes_as_value(&self) -> usize {
        let bytes = match self {
            Self::Text(text) => bytes_as_value(text),
            Self::Binary(bytes) => bytes.len(),
        };
        bytes + FRAME_BYTES
    }

    /// Returns a text message with the JSON form of a value.
    ///
    /// # Errors
    /// Fails when the value has no JSON form.
    pub fn from_json<T: Wire>(value: &T) -> Result<Self> {
        Ok(Self::Text(wire::to_json(value)?))
    }

    /// Returns the text; `None` for a binary message.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Binary(_) => None,
        }
    }

    /// Returns the bytes; `None` for a text message.
    pub fn binary(&self) -> Option<&Bytes> {
        match self {
            Self::Text(_) => None,
            Self::Binary(bytes) => Some(bytes),
        }
    }

    /// Reads the message as JSON, from text or from bytes that contain text.
    ///
    /// # Errors
    /// Fails when the message is not JSON or not of this type; the caller receives the cause.
    pub fn json<T: Wire>(&self) -> Result<T> {
        let text = match self {
            Self::Text(text) => text,
            Self::Binary(bytes) => std::str::from_utf8(bytes)
                .map_err(|_| Error::new("invalid_message", "the message is not text"))?,
        };
        wire::from_json(text).map_err(|error| {
            Error::new("invalid_message", format!("the message does not have the expected form: {error}"))
        })
    }

    /// Returns the size of the payload in bytes.
    pub fn len(&self) -> usize {
        self.as_bytes().len()
    }

    /// Returns whether the payload is empty.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the payload of either kind.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary(bytes) => bytes,
        }
    }
}

/// A value that can be sent: text, bytes, or a value that becomes JSON text.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be sent",
    label = "not a message",
    note = "send a `&str`, a `String`, bytes, a reference to a `#[wire]` type, or `&json!({{ .. }})`"
)]
pub trait IntoMessage {
    /// Converts the value into a message.
    ///
    /// # Errors
    /// Fails when a value has no JSON form.
    fn into_message(self) -> Result<Message>;
}

macro_rules! into_message {
    ($($from:ty => |$value:ident| $message:expr;)*) => {$(
        impl IntoMessage for $from {
            fn into_message(self) -> Result<Message> {
                let $value = self;
                Ok($message)
            }
        }
        impl From<$from> for Message {
            fn from($value: $from) -> Self {
                $message
            }
        }
    )*};
}

into_message! {
    &str => |text| Message::Text(text.to_owned());
    String => |text| Message::Text(text);
    &String => |text| Message::Text(text.clone());
    Bytes => |bytes| Message::Binary(bytes);
    Vec<u8> => |bytes| Message::Binary(bytes.into());
    &[u8] => |bytes| Message::Binary(Bytes::copy_from_slice(bytes));
}

impl IntoMessage for Message {
    fn into_message(self) -> Result<Message> {
        Ok(self)
    }
}

impl<T: JsonMessage> IntoMessage for &T {
    fn into_message(self) -> Result<Message> {
        Message::from_json(self)
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_sent_as_they_stand_and_values_as_json() {
        assert_eq!("a".into_message().unwrap(), Message::Text("a".into()));
        assert_eq!((&"a".to_owned()).into_message().unwrap(), Message::Text("a".into()));
        let value = serde_json::json!({ "a": 1 });
        assert_eq!((&value).into_message().unwrap(), Message::Text(r#"{"a":1}"#.into()));
    }
}
