//! Some of the WebSockets of an object.

use std::fmt;

use crate::error::Result;
use crate::gateway::{Flags, IntoMessage, Selection, Targets};
use crate::object::{ObjectContext, WebSocket};

/// The open WebSockets of an object, or some of them.
///
/// Nothing is looked up until it is used. A message to all of them is one order to the gateway,
/// which encodes it once; neither ids nor attachments are read for it.
#[derive(Clone)]
pub struct WebSockets {
    object: ObjectContext,
    selection: Selection,
}

impl WebSockets {
    pub(in crate::object) fn new(object: ObjectContext) -> Self {
        Self { object, selection: Selection::default() }
    }

    /// Keeps those that have this tag, besides what was asked for before.
    #[must_use]
    pub fn tag(mut self, tag: impl Into<String>) -> Self {
        self.selection.all_tags.push(tag.into());
        self
    }

    /// Keeps those that have all of these tags.
    #[must_use]
    pub fn all_tags(mut self, tags: impl IntoIterator<Item: Into<String>>) -> Self {
        self.selection.all_tags.extend(tags.into_iter().map(Into::into));
        self
    }

    /// Keeps those that have at least one of these tags; of an empty list nobody has one. Used twice
    /// the last list counts.
    #[must_use]
    pub fn any_tag(mut self, tags: impl IntoIterator<Item: Into<String>>) -> Self {
        self.selection.any_tag = Some(tags.into_iter().map(Into::into).collect());
        self
    }

    /// Leaves these out.
    #[must_use]
    pub fn except<'a>(mut self, sockets: impl IntoIterator<Item = &'a WebSocket>) -> Self {
        self.selection.except.extend(sockets.into_iter().map(|socket| socket.entry.key));
        self
    }

    /// Leaves out those that have one of these flags.
    #[must_use]
    pub fn without_flags(mut self, flags: Flags) -> Self {
        self.selection.without = self.selection.without | flags;
        self
    }

    /// Sends a message to them, in the order of what was sent before.
    ///
    /// # Errors
    /// `overflow` when more than [`Limits::outgoing_bytes_per_agent`](crate::Limits::outgoing_bytes_per_agent) waits to
    /// leave the object, when a value has no JSON form, or outside of the object's handlers.
    pub fn send(&self, message: impl IntoMessage) -> Result<()> {
        self.deliver(message, false)
    }

    /// Sends a message that makes an earlier one of this kind needless, as a whole state does.
    ///
    /// A client that keeps up gets every one. To one that is behind, the newest is sent in the place
    /// of one that has not left yet.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn send_latest(&self, message: impl IntoMessage) -> Result<()> {
        self.deliver(message, true)
    }

    /// Lists them, oldest first; nothing outside of the object's handlers.
    pub fn list(&self) -> Vec<WebSocket> {
        let entries = self.object.select(&self.selection).unwrap_or_default();
        entries.into_iter().map(|entry| WebSocket { object: self.object.clone(), entry }).collect()
    }

    /// Counts them; 0 outside of the object's handlers.
    pub fn count(&self) -> usize {
        self.object.select(&self.selection).map_or(0, |entries| entries.len())
    }

    fn deliver(&self, message: impl IntoMessage, latest: bool) -> Result<()> {
        let targets = Targets::Many(Box::new(self.selection.clone()));
        self.object.send(targets, message.into_message()?, latest)
    }
}

impl IntoIterator for WebSockets {
    type Item = WebSocket;
    type IntoIter = std::vec::IntoIter<WebSocket>;

    fn into_iter(self) -> Self::IntoIter {
        self.list().into_iter()
    }
}

impl fmt::Debug for WebSockets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSockets").field("selection", &self.selection).finish_non_exhaustive()
    }
}
