//! A WebSocket of an object, and the request for one.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Error, Result};
use crate::gateway::{Flags, IntoMessage, Message, Targets, ToGateway};
use crate::limits::{Limit, Limits};
use crate::object::{ConnectionEntry, ObjectContext, Request};
use crate::wire::strict_json;

/// A WebSocket of one client; cheap to clone.
///
/// The runtime keeps the socket open while the object hibernates, together with its id, address, tags and
/// attachment.
#[derive(Clone)]
pub struct WebSocket {
    pub(crate) object: ObjectContext,
    pub(crate) entry: Arc<ConnectionEntry>,
}

impl WebSocket {
    /// Returns the id: the one that the client requested with `_pk`, or a random one.
    pub fn id(&self) -> &str {
        self.entry.id()
    }

    /// Returns the path and query of the request that opened the WebSocket.
    pub fn uri(&self) -> Option<&str> {
        self.entry.uri()
    }

    /// Returns the tags with which the WebSocket was accepted.
    pub fn tags(&self) -> &[String] {
        self.entry.tags()
    }

    /// Sends text, bytes, or a value as JSON. The message leaves when all earlier writes are durable.
    ///
    /// A message to a closed connection is dropped without an error.
    ///
    /// # Errors
    /// Fails with `overflow` when more than
    /// [`Limits::outgoing_bytes_per_agent`](crate::Limits::outgoing_bytes_per_agent) bytes wait to leave the
    /// object. Fails when the value has no JSON form, or outside of the object's handlers.
    pub fn send(&self, message: impl IntoMessage) -> Result<()> {
        self.object.send(Targets::One(self.entry.key), message.into_message()?, false)
    }

    /// Sends the one answer to an accepted request; it is never refused.
    pub(crate) fn answer(&self, text: String) -> Result<()> {
        let (targets, message) = (Targets::One(self.entry.key), Message::Text(text));
        self.object.effect(ToGateway::Send { targets, message, latest: false })
    }

    /// Sends a piece of a long reply; see [`ready`](Self::ready).
    pub(crate) fn piece(&self, text: String) -> Result<()> {
        self.object.piece(&self.entry, text)
    }

    /// Returns whether the next piece should wait.
    pub(crate) fn is_ahead(&self) -> bool {
        self.object.is_ahead(&self.entry)
    }

    /// Waits until the client has received nearly all pieces that were sent to it.
    pub(crate) async fn ready(&self) -> Result<()> {
        self.object.until_room(&self.entry).await
    }

    /// Closes the WebSocket after everything that was sent to it.
    ///
    /// The codes 1008 and 4000-4999 are final for the npm client; it reconnects after any other code.
    ///
    /// # Errors
    /// Fails when the code is not one of 1000-1003, 1007-1014 and 3000-4999, when the reason has more than
    /// 123 bytes, or outside of the object's handlers.
    pub fn close(&self, code: u16, reason: impl Into<String>) -> Result<()> {
        self.object.close(&self.entry, Some(code), reason.into())
    }

    /// Closes the WebSocket without a code; the client receives 1005.
    ///
    /// # Errors
    /// Fails outside of the object's handlers.
    pub fn close_without_code(&self) -> Result<()> {
        self.object.close(&self.entry, None, String::new())
    }

    /// Returns whether the WebSocket is open: connected, and not closed by the object.
    pub fn is_open(&self) -> bool {
        self.object.is_connected(self.entry.key)
    }

    /// Stores a value with the WebSocket until it is closed; the value survives hibernation. A later value
    /// replaces it.
    ///
    /// # Errors
    /// Fails with `attachment_too_big` when its JSON has more than
    /// [`Limits::attachment_bytes`](crate::Limits::attachment_bytes) (16 KiB by default). Fails with
    /// `not_json` when the value has no JSON form, as NaN, and outside of the object's handlers. After an error
    /// the attachment is unchanged.
    pub fn serialize_attachment<T: Serialize + ?Sized>(&self, value: &T) -> Result<()> {
        self.attach(strict_json(value).map_err(Error::not_json)?.as_bytes())
    }

    /// Returns the value that is stored with the WebSocket; `None` if there is none.
    ///
    /// # Errors
    /// `unreadable_attachment` when the stored value is not a `T`.
    pub fn deserialize_attachment<T: DeserializeOwned>(&self) -> Result<Option<T>> {
        match self.entry.kept().attachment.user() {
            [] => Ok(None),
            json => {
                let unreadable = |error| Error::hidden("unreadable_attachment", error);
                Ok(Some(serde_json::from_slice(json).map_err(unreadable)?))
            }
        }
    }

    /// Returns the flags of the layer above.
    pub fn flags(&self) -> Flags {
        self.entry.flags()
    }

    /// Sets the flags of the layer above; they are stored beside the attachment.
    ///
    /// # Errors
    /// Fails outside of the object's handlers.
    pub fn set_flags(&self, flags: Flags) -> Result<()> {
        self.object.attach(&self.entry, self.entry.kept().attachment.with_flags(flags))
    }

    pub(crate) fn attach(&self, json: &[u8]) -> Result<()> {
        let limit = self.object.attachment_limit();
        if json.len() > limit {
            self.object.reached(Limit::AttachmentBytes);
            let message =
                format!("the attachment of a connection has at most {limit} bytes, got {}", json.len());
            return Err(Error::new("attachment_too_big", message));
        }
        self.object.attach(&self.entry, self.entry.kept().attachment.with_user(json))
    }
}

impl PartialEq for WebSocket {
    fn eq(&self, other: &Self) -> bool {
        self.entry.key == other.entry.key
    }
}

impl Eq for WebSocket {}

impl fmt::Debug for WebSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocket").field("id", &self.id()).field("object", self.object.key()).finish()
    }
}

/// A request for a WebSocket, to be accepted or refused by the object.
///
/// The handshake is complete before `fetch` is called, because a client retries a failed handshake forever. A
/// response that does not accept the WebSocket becomes a close code: 4000 plus the status, so 404 is 4404.
/// The start of its body becomes the reason.
#[derive(Clone)]
pub struct WebSocketUpgrade {
    pub(crate) entry: Arc<ConnectionEntry>,
}

impl WebSocketUpgrade {
    /// Takes the upgrade out of a request; returns `None` for a plain HTTP request.
    pub fn take(request: &mut Request) -> Option<Self> {
        request.extensions_mut().remove()
    }

    /// Returns the id that the WebSocket will have.
    pub fn id(&self) -> &str {
        self.entry.id()
    }
}

impl fmt::Debug for WebSocketUpgrade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocketUpgrade").field("id", &self.id()).finish()
    }
}

/// An error for tags that a WebSocket cannot have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TagsError {
    /// More tags than a WebSocket can have.
    #[error("a connection has at most {most} tags, got {got}")]
    TooMany {
        /// The maximum number of tags.
        most: usize,
        /// The number of given tags.
        got: usize,
    },
    /// An empty tag.
    #[error("a tag must not be empty")]
    Empty,
    /// A tag that is too long.
    #[error("a tag has at most {most} bytes, got {got}")]
    TooLong {
        /// The maximum number of bytes of a tag.
        most: usize,
        /// The number of bytes of the given tag.
        got: usize,
    },
}

impl TagsError {
    /// Returns the error for handlers, with the code `invalid_tags`.
    pub(crate) fn into_error(self) -> Error {
        Error::hidden("invalid_tags", self)
    }
}

/// Drops repeated tags and checks the limits.
pub(crate) fn check_socket_tags(
    limits: &Limits,
    given: impl IntoIterator<Item = String>,
) -> Result<Vec<String>, TagsError> {
    let mut tags: Vec<String> = Vec::new();
    for tag in given {
        match tag.len() {
            0 => return Err(TagsError::Empty),
            got if got > limits.bytes_of_tag() => {
                return Err(TagsError::TooLong { most: limits.bytes_of_tag(), got });
            }
            _ => {}
        }
        if !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    match tags.len() {
        got if got > limits.tags_with_id() => Err(TagsError::TooMany { most: limits.tags_with_id(), got }),
        _ => Ok(tags),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_keep_their_order_and_lose_duplicates() {
        // S193
        let given = ["b", "a", "b", "c", "a"].map(str::to_owned);
        assert_eq!(check_socket_tags(&Limits::default(), given).unwrap(), ["b", "a", "c"]);
    }

    #[test]
    fn tags_have_limits() {
        let many = |count: usize| (0..count).map(|n| n.to_string());
        assert_eq!(check_socket_tags(&Limits::default(), many(10)).unwrap().len(), 10);
        assert_eq!(
            check_socket_tags(&Limits::default(), many(11)),
            Err(TagsError::TooMany { most: 10, got: 11 })
        );
        assert_eq!(check_socket_tags(&Limits::default(), [String::new()]), Err(TagsError::Empty));
        assert!(check_socket_tags(&Limits::default(), ["é".repeat(128)]).is_ok());
        assert_eq!(
            check_socket_tags(&Limits::default(), ["x".repeat(257)]),
            Err(TagsError::TooLong { most: 256, got: 257 })
        );
    }
}
