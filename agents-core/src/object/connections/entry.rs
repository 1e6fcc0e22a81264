//! The object's own view of one connection.

use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use crate::gateway::{Attachment, ConnectionInfo, ConnectionKey, ConnectionMeta, Flags};
use crate::object::connections::send_window::SendWindow;

/// A connection as the object knows it.
#[derive(Debug)]
pub(crate) struct ConnectionEntry {
    pub(crate) key: ConnectionKey,
    /// The id and address of a connection whose `fetch` has not accepted it yet.
    asking: Option<(String, Option<String>)>,
    /// The metadata records that the connection was given at its accepts, by this activation or an earlier
    /// one.
    given: OnceLock<Given>,
    kept: Mutex<Kept>,
    /// Created by the first task that waits for the end of the connection.
    gone: OnceLock<CancellationToken>,
    /// Created by the first piece of a long reply.
    send_window: OnceLock<Box<SendWindow>>,
}

/// A metadata record of a connection, and the record after it. An accept may be undone and followed by
/// another one with other tags. A caller that holds the tags of the first record keeps them.
#[derive(Debug)]
struct Given {
    meta: Arc<ConnectionMeta>,
    next: OnceLock<Box<Self>>,
}

/// The data of a connection that changes while the connection exists.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    pub(crate) attachment: Attachment,
    /// The number of the current metadata record; `None` before the connection is accepted.
    pub(crate) accepted: Option<usize>,
    /// `true` if the object has closed the connection; a closing connection is not listed.
    pub(crate) closing: bool,
}

impl ConnectionEntry {
    /// Returns an entry for a connection that was not accepted yet.
    pub(crate) fn new(key: ConnectionKey, id: String, uri: Option<String>) -> Self {
        let attachment = Attachment::new(Flags::NONE, &[]);
        let kept = Kept { attachment, accepted: None, closing: false };
        Self {
            key,
            asking: Some((id, uri)),
            given: OnceLock::new(),
            kept: Mutex::new(kept),
            gone: OnceLock::new(),
            send_window: OnceLock::new(),
        }
    }

    /// Returns an entry for a connection that an earlier activation accepted.
    pub(crate) fn from_info(info: ConnectionInfo) -> Self {
        let attachment = Attachment::decode(info.attachment);
        let kept = Kept { attachment, accepted: Some(0), closing: false };
        Self {
            key: info.connection,
            asking: None,
            given: OnceLock::from(Given { meta: info.meta, next: OnceLock::new() }),
            kept: Mutex::new(kept),
            gone: OnceLock::new(),
            send_window: OnceLock::new(),
        }
    }

    pub(crate) fn id(&self) -> &str {
        match (&self.asking, self.given.get()) {
            (Some((id, _)), _) => id,
            (None, Some(given)) => &given.meta.id,
            (None, None) => "",
        }
    }

    pub(crate) fn uri(&self) -> Option<&str> {
        match (&self.asking, self.given.get()) {
            (Some((_, uri)), _) => uri.as_deref(),
            (None, given) => given?.meta.uri.as_deref(),
        }
    }

    /// Returns the tags; empty before the connection is accepted.
    pub(crate) fn tags(&self) -> &[String] {
        let accepted = self.kept.lock().accepted;
        accepted.and_then(|number| self.metadata().nth(number)).map_or(&[], |meta| &meta.tags)
    }

    /// Returns whether the connection was accepted, now or earlier.
    pub(crate) fn is_accepted(&self) -> bool {
        self.kept.lock().accepted.is_some()
    }

    /// Creates a metadata record with these tags and returns its number; `Kept::accepted` makes it current.
    pub(crate) fn give(&self, tags: Vec<String>) -> usize {
        if let Some(number) = self.metadata().position(|meta| meta.tags == tags) {
            return number;
        }
        let meta = ConnectionMeta { id: self.id().to_owned(), uri: self.uri().map(str::to_owned), tags };
        let mut new = Given { meta: Arc::new(meta), next: OnceLock::new() };
        let Some(mut last) = self.given.get() else {
            // Only the object's own task creates records, so the cell is empty.
            let _ = self.given.set(new);
            return 0;
        };
        let mut number = 1;
        loop {
            match last.next.set(Box::new(new)) {
                Ok(()) => return number,
                Err(back) => new = *back,
            }
            let Some(next) = last.next.get() else { return number };
            last = next;
            number += 1;
        }
    }

    fn metadata(&self) -> impl Iterator<Item = &Arc<ConnectionMeta>> {
        std::iter::successors(self.given.get(), |given| given.next.get().map(|next| &**next))
            .map(|given| &given.meta)
    }

    pub(crate) fn kept(&self) -> Kept {
        self.kept.lock().clone()
    }

    pub(crate) fn replace(&self, kept: Kept) -> Kept {
        std::mem::replace(&mut *self.kept.lock(), kept)
    }

    /// Changes the stored data and returns the data before the change.
    pub(crate) fn change(&self, change: impl FnOnce(&mut Kept)) -> Kept {
        let mut kept = self.kept.lock();
        let before = kept.clone();
        change(&mut kept);
        before
    }

    pub(crate) fn flags(&self) -> Flags {
        self.kept.lock().attachment.flags()
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.kept.lock().closing
    }

    /// Returns the pace of the pieces of long replies to this client.
    pub(in crate::object) fn send_window(&self) -> &SendWindow {
        self.send_window.get_or_init(|| Box::new(SendWindow::new()))
    }

    /// Wakes the tasks that wait for the end of the connection.
    pub(in crate::object) fn end(&self) {
        if let Some(gone) = self.gone.get() {
            gone.cancel();
        }
    }

    /// Waits until the object learns that the connection is over; forever if that happened before the call.
    pub(crate) async fn until_gone(&self) {
        self.gone.get_or_init(CancellationToken::new).cancelled().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_accept_that_is_undone_can_be_followed_by_another() {
        let entry = ConnectionEntry::new(ConnectionKey(1), "id".to_owned(), None);
        let accept = |tags: &[&str]| {
            let number = entry.give(tags.iter().map(|tag| (*tag).to_owned()).collect());
            (number, entry.change(|kept| kept.accepted = Some(number)))
        };
        let (first, before) = accept(&["a"]);
        let held = entry.tags();
        entry.replace(before);
        assert!(!entry.is_accepted() && entry.tags().is_empty());
        for (tags, number) in [(["b"], 1), (["c"], 2), (["b"], 1), (["a"], 0)] {
            let (given, before) = accept(&tags);
            assert_eq!((given, entry.tags()), (number, &[tags[0].to_owned()][..]));
            entry.replace(before);
        }
        assert_eq!((first, held), (0, &["a".to_owned()][..]));
        assert_eq!(entry.id(), "id");
    }
}
