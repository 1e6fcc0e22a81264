//! A selection of the WebSockets of an object.

use std::fmt;

use crate::error::Result;
use crate::gateway::{Flags, IntoMessage, Selection, Targets};
use crate::object::{ObjectContext, WebSocket};

/// The open WebSockets of an object, or a selection of them.
///
/// The selection is evaluated when it is used. A message to all sockets is one command to the gateway, which
/// encodes the message once; ids and attachments are not loaded for it.
#[derive(Clone)]
pub struct WebSockets {
    object: ObjectContext,
    selection: Selection,
}

impl WebSockets {
    pub(in crate::object) fn new(object: ObjectContext) -> Self {
        Self { object, selection: Selection::default() }
    }

    /// Keeps WebSockets that have this tag; earlier filters still apply.
    #[must_use]
    pub fn tag(mut self, tag: impl Into<String>) -> Self {
        self.selection.all_tags.push(tag.into());
        self
    }

    /// Keeps WebSockets that have all of these tags.
    #[must_use]
    pub fn all_tags(mut self, tags: impl IntoIterator<Item: Into<String>>) -> Self {
        self.selection.all_tags.extend(tags.into_iter().map(Into::into));
        self
    }

    /// Keeps WebSockets that have at least one of these tags. An empty list matches no WebSocket. A second
    /// call replaces the first.
    #[must_use]
    pub fn any_tag(mut self, tags: impl IntoIterator<Item: Into<String>>) -> Self {
        self.selection.any_tag = Some(tags.into_iter().map(Into::into).collect());
        self
    }

    /// Excludes these WebSockets.
    #[must_use]
    pub fn except<'a>(mut self, sockets: impl IntoIterator<Item = &'a WebSocket>) -> Self {
        self.selection.except.extend(sockets.into_iter().map(|socket| socket.entry.key));
        self
    }

    /// Excludes WebSockets that have one of these flags.
    #[must_use]
    pub fn without_flags(mut self, flags: Flags) -> Self {
        self.selection.without = self.selection.without | flags;
        self
    }

    /// Sends a message to them, after all messages that were sent before.
    ///
    /// # Errors
    /// Fails with `overflow` when more than
    /// [`Limits::outgoing_bytes_per_agent`](crate::Limits::outgoing_bytes_per_agent) bytes wait to leave the
    /// object. Fails when a value has no JSON form, or outside of the object's handlers.
    pub fn send(&self, message: impl IntoMessage) -> Result<()> {
        self.deliver(message, false)
    }

    /// Sends a message that makes an earlier one of this kind unnecessary, for example a whole state.
    ///
    /// A client that keeps up receives every message. For a client that is behind, the newest message
    /// replaces an earlier one that has not left yet.
    ///
    /// # Errors
    /// Fails as [`send`](Self::send) does.
    pub fn send_latest(&self, message: impl IntoMessage) -> Result<()> {
        self.deliver(message, true)
    }

    /// Returns them, oldest first; an empty list outside of the object's handlers.
    pub fn list(&self) -> Vec<WebSocket> {
        let entries = self.object.select(&self.selection).unwrap_or_default();
        entries.into_iter().map(|entry| WebSocket { object: self.object.clone(), entry }).collect()
    }

    /// Returns their number; 0 outside of the object's handlers.
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
