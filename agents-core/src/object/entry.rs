//! The object's own view of one connection.

use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use crate::gateway::{Attachment, Card, ConnectionInfo, ConnectionKey, Flags};
use crate::object::pace::Pace;

/// A connection as the object knows it.
#[derive(Debug)]
pub(crate) struct ConnectionEntry {
    pub(crate) key: ConnectionKey,
    /// Id and address of a connection that asks to be let in.
    asking: Option<(String, Option<String>)>,
    /// Set once, when the connection is accepted.
    card: OnceLock<Arc<Card>>,
    kept: Mutex<Kept>,
    /// Made by whoever waits for the end of the connection.
    gone: OnceLock<CancellationToken>,
    /// Made by the first piece of a long answer.
    pace: OnceLock<Box<Pace>>,
}

/// What changes during the life of a connection.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    pub(crate) attachment: Attachment,
    /// We closed it; it is no longer listed.
    pub(crate) closing: bool,
}

impl ConnectionEntry {
    /// A connection that was not accepted yet.
    pub(crate) fn new(key: ConnectionKey, id: String, uri: Option<String>) -> Self {
        let kept = Kept { attachment: Attachment::new(Flags::NONE, &[]), closing: false };
        Self {
            key,
            asking: Some((id, uri)),
            card: OnceLock::new(),
            kept: Mutex::new(kept),
            gone: OnceLock::new(),
            pace: OnceLock::new(),
        }
    }

    /// A connection that an earlier activation accepted.
    pub(crate) fn from_info(info: ConnectionInfo) -> Self {
        let kept = Kept { attachment: Attachment::decode(info.attachment), closing: false };
        Self {
            key: info.connection,
            asking: None,
            card: OnceLock::from(info.card),
            kept: Mutex::new(kept),
            gone: OnceLock::new(),
            pace: OnceLock::new(),
        }
    }

    pub(crate) fn id(&self) -> &str {
        match (self.card.get(), &self.asking) {
            (Some(card), _) => &card.id,
            (None, Some((id, _))) => id,
            (None, None) => "",
        }
    }

    pub(crate) fn uri(&self) -> Option<&str> {
        match (self.card.get(), &self.asking) {
            (Some(card), _) => card.uri.as_deref(),
            (None, Some((_, uri))) => uri.as_deref(),
            (None, None) => None,
        }
    }

    /// The tags; empty before the connection is accepted.
    pub(crate) fn tags(&self) -> &[String] {
        self.card.get().map_or(&[], |card| &card.tags)
    }

    /// Tells whether the connection was accepted, now or earlier.
    pub(crate) fn is_accepted(&self) -> bool {
        self.card.get().is_some()
    }

    /// Gives the connection its tags; they are given once.
    pub(crate) fn accept(&self, tags: Vec<String>) {
        let card = Card { id: self.id().to_owned(), uri: self.uri().map(str::to_owned), tags };
        let _ = self.card.set(Arc::new(card));
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

    /// How far the pieces of long answers run ahead of the client.
    pub(super) fn pace(&self) -> &Pace {
        self.pace.get_or_init(|| Box::new(Pace::new()))
    }

    /// The object has heard that the connection is over.
    pub(super) fn end(&self) {
        if let Some(gone) = self.gone.get() {
            gone.cancel();
        }
    }

    /// Waits until the object hears that the connection is over; for ever when it has heard of it before.
    pub(crate) async fn until_gone(&self) {
        self.gone.get_or_init(CancellationToken::new).cancelled().await;
    }
}
