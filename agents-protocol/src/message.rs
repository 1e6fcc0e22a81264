//! The messages of a socket that are no frames of the protocol.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::wire::{self, JsonMessage, Wire};

/// A message on a socket: text or bytes.
///
/// ```
/// use agents_protocol::message::Message;
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
    /// Returns a text message with the JSON form of a value.
    ///
    /// # Errors
    /// Fails when the value has no JSON form.
    pub fn from_json<T: Wire>(value: &T) -> Result<Self> {
        Ok(Self::Text(wire::to_json(value).map_err(Error::not_json)?))
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
