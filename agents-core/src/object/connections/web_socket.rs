//! A WebSocket as an object sees it, and the request for one.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Error, Result};
use crate::gateway::{Flags, IntoMessage, Message, Targets, ToGateway};
use crate::limits::{Limit, Limits};
use crate::object::{ConnectionEntry, ObjectContext, Request};
use crate::wire::strict_json;

/// One client's WebSocket. Cheap to clone.
///
/// The runtime keeps it open while the object sleeps. Id, address, tags and attachment are kept
/// with it.
#[derive(Clone)]
pub struct WebSocket {
    pub(crate) object: ObjectContext,
    pub(crate) entry: Arc<ConnectionEntry>,
}

impl WebSocket {
    /// Returns the id: what the client asked for with `_pk`, or a random one.
    pub fn id(&self) -> &str {
        self.entry.id()
    }

    /// Returns path and query of the request that opened the WebSocket.
    pub fn uri(&self) -> Option<&str> {
        self.entry.uri()
    }

    /// Returns the tags that it was accepted with.
    pub fn tags(&self) -> &[String] {
        self.entry.tags()
    }

    /// Sends text, bytes, or a value as JSON. It leaves once the writes before it are durable.
    ///
    /// To a client that is gone nothing is sent, and that is no error.
    ///
    /// # Errors
    /// `overflow` when more than [`Limits::outgoing_bytes_per_agent`](crate::Limits::outgoing_bytes_per_agent) waits to
    /// leave the object, when the value has no JSON form, or outside of the object's handlers.
    pub fn send(&self, message: impl IntoMessage) -> Result<()> {
        self.object.send(Targets::One(self.entry.key), message.into_message()?, false)
    }

    /// Sends the one answer to something that was let in: it is never refused.
    pub(crate) fn answer(&self, text: String) -> Result<()> {
        let (targets, message) = (Targets::One(self.entry.key), Message::Text(text));
        self.object.effect(ToGateway::Send { targets, message, latest: false })
    }

    /// Sends a piece of a long answer; see [`ready`](Self::ready).
    pub(crate) fn piece(&self, text: String) -> Result<()> {
        self.object.piece(&self.entry, text)
    }

    /// Returns whether the next piece should wait.
    pub(crate) fn is_ahead(&self) -> bool {
        self.object.is_ahead(&self.entry)
    }

    /// Waits until the client has taken nearly all pieces that were sent to it.
    pub(crate) async fn ready(&self) -> Result<()> {
        self.object.until_room(&self.entry).await
    }

    /// Closes the WebSocket behind everything that was sent to it.
    ///
    /// The npm client takes 1008 and 4000-4999 as final and reconnects after any other code.
    ///
    /// # Errors
    /// When the code is none of 1000-1003, 1007-1014 and 3000-4999; or when the reason has
    /// more than 123 bytes.
    pub fn close(&self, code: u16, reason: impl Into<String>) -> Result<()> {
        self.object.close(&self.entry, Some(code), reason.into())
    }

    /// Closes the WebSocket without a code; the client sees 1005.
    ///
    /// # Errors
    /// Outside of the object's handlers.
    pub fn close_without_code(&self) -> Result<()> {
        self.object.close(&self.entry, None, String::new())
    }

    /// Tells whether it is open: connected and not closed by us.
    pub fn is_open(&self) -> bool {
        self.object.is_connected(self.entry.key)
    }

    /// Keeps a value with the WebSocket, over sleep, until it is closed. The last one counts.
    ///
    /// # Errors
    /// `attachment_too_big` when its JSON has more than
    /// [`Limits::attachment_bytes`](crate::Limits::attachment_bytes) (16 KiB), or outside of the
    /// object's handlers; or when the value has no JSON form, as NaN has none. Then nothing has changed.
    pub fn serialize_attachment<T: Serialize + ?Sized>(&self, value: &T) -> Result<()> {
        self.attach(strict_json(value)?.as_bytes())
    }

    /// Returns what was kept with the WebSocket; `None` if nothing was.
    ///
    /// # Errors
    /// When what was kept is not a `T`.
    pub fn deserialize_attachment<T: DeserializeOwned>(&self) -> Result<Option<T>> {
        match self.entry.kept().attachment.user() {
            [] => Ok(None),
            json => Ok(Some(serde_json::from_slice(json)?)),
        }
    }

    /// Returns the flags of the layer above.
    pub fn flags(&self) -> Flags {
        self.entry.flags()
    }

    /// Sets the flags of the layer above; they are kept beside the attachment, not in it.
    ///
    /// # Errors
    /// Outside of the object's handlers.
    pub fn set_flags(&self, flags: Flags) -> Result<()> {
        self.object.attach(&self.entry, self.entry.kept().attachment.with_flags(flags))
    }

    pub(crate) fn attach(&self, json: &[u8]) -> Result<()> {
        let limit = self.object.attachment_limit();
        if json.len() > limit {
            self.object.reached(Limit::AttachmentBytes);
            let message =
                format!("what is kept for a connection has at most {limit} bytes, got {}", json.len());
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
/// The handshake is over by the time the object is asked: a client retries a refused handshake
/// for ever. What `fetch` returns without accepting becomes a close code: 4000 plus the status, so
/// 404 is 4404, with the start of the body as reason.
#[derive(Clone)]
pub struct WebSocketUpgrade {
    pub(crate) entry: Arc<ConnectionEntry>,
}

impl WebSocketUpgrade {
    /// Takes the upgrade out of a request; `None` for a plain HTTP request.
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

/// Tags that cannot be given to a WebSocket.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TagsError {
    /// More tags than a WebSocket can have.
    #[error("a connection has at most {most} tags, got {got}")]
    TooMany {
        /// How many there may be.
        most: usize,
        /// How many there were.
        got: usize,
    },
    /// An empty tag.
    #[error("a tag must not be empty")]
    Empty,
    /// A tag that is too long.
    #[error("a tag has at most {most} bytes, got {got}")]
    TooLong {
        /// How many bytes it may have.
        most: usize,
        /// How many it had.
        got: usize,
    },
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
