//! The object's own view of its connections.

use std::sync::OnceLock;

use parking_lot::Mutex;

use crate::gateway::{Attachment, ConnectionInfo, ConnectionKey, Flags};

/// A connection as the object knows it.
#[derive(Debug)]
pub(crate) struct ConnectionEntry {
    pub(crate) key: ConnectionKey,
    pub(crate) id: String,
    pub(crate) uri: Option<String>,
    tags: OnceLock<Vec<String>>,
    kept: Mutex<Kept>,
}

/// What changes during the life of a connection.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    pub(crate) attachment: Attachment,
    /// We closed it; it is no longer listed.
    pub(crate) closing: bool,
}

impl ConnectionEntry {
    pub(crate) fn new(key: ConnectionKey, id: String, uri: Option<String>) -> Self {
        Self {
            key,
            id,
            uri,
            tags: OnceLock::new(),
            kept: Mutex::new(Kept { attachment: Attachment::new(Flags::NONE, &[]), closing: false }),
        }
    }

    pub(crate) fn from_info(info: ConnectionInfo) -> Self {
        let entry = Self::new(info.connection, info.card.id.clone(), info.card.uri.clone());
        entry.set_tags(info.card.tags.clone());
        entry.kept.lock().attachment = Attachment::decode(info.attachment);
        entry
    }

    /// The tags, the id first; empty before the connection is accepted.
    pub(crate) fn tags(&self) -> &[String] {
        self.tags.get().map_or(&[], Vec::as_slice)
    }

    pub(crate) fn set_tags(&self, tags: Vec<String>) {
        // Tags are given once, at the accept.
        let _ = self.tags.set(tags);
    }

    pub(crate) fn kept(&self) -> Kept {
        self.kept.lock().clone()
    }

    pub(crate) fn replace(&self, kept: Kept) -> Kept {
        std::mem::replace(&mut *self.kept.lock(), kept)
    }

    pub(crate) fn flags(&self) -> Flags {
        self.kept.lock().attachment.flags()
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.kept.lock().closing
    }
}
