//! The gateway's side of one object: its sockets and its open requests.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::mpsc;

use crate::gateway::socket::Socket;
use crate::gateway::{
    Attachment, AutoResponse, Card, ConnectionInfo, ConnectionKey, RequestKey, ResponseHead, Selection,
    Targets, ToGateway, codec,
};

/// Limits of the sockets of one object.
#[derive(Clone, Debug)]
pub(crate) struct HubLimits {
    pub(crate) connections: usize,
    pub(crate) message_bytes: usize,
    pub(crate) outbox_bytes: usize,
    pub(crate) in_flight: u32,
}

/// A part of a response on its way to the client.
#[derive(Debug)]
pub(crate) enum ResponsePart {
    Head(ResponseHead),
    Chunk(Bytes),
    End { complete: bool },
}

/// The sockets and open requests of one object.
#[derive(Debug)]
pub(crate) struct Hub {
    pub(crate) limits: HubLimits,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    /// Out of use for good: nothing is taken in any more.
    retired: bool,
    sockets: BTreeMap<ConnectionKey, Entry>,
    ids: HashMap<Arc<str>, ConnectionKey>,
    auto_response: Option<AutoResponse>,
    requests: HashMap<RequestKey, mpsc::UnboundedSender<ResponsePart>>,
}

#[derive(Debug)]
struct Entry {
    socket: Arc<Socket>,
    id: Arc<str>,
    uri: Arc<str>,
    accepted: Option<Accepted>,
}

#[derive(Debug)]
struct Accepted {
    card: Arc<Card>,
    attachment: Attachment,
}

impl Entry {
    fn is_in(&self, selection: &Selection, key: ConnectionKey) -> bool {
        let accepted = self.accepted.as_ref();
        accepted.is_some_and(|it| selection.has(key, &it.card.tags, it.attachment.flags()))
    }

    fn info(&self, connection: ConnectionKey) -> Option<ConnectionInfo> {
        let accepted = self.accepted.as_ref()?;
        Some(ConnectionInfo {
            connection,
            card: accepted.card.clone(),
            attachment: accepted.attachment.encoded(),
            answered_at: None,
        })
    }
}

/// Why a socket was not taken in.
#[derive(Debug)]
pub(crate) enum RegisterError {
    /// The object has as many sockets as it may have.
    Full,
    /// The object is out of use; look it up again.
    Retired,
    /// Another socket has this id; the caller finds out whether it lives.
    Taken(Arc<Socket>),
}

impl Hub {
    pub(crate) fn new(limits: HubLimits) -> Self {
        Self { limits, inner: Mutex::default() }
    }

    /// Takes a socket in; it is no target of anything until the object accepts it.
    pub(crate) fn register(&self, socket: &Arc<Socket>, id: &str, uri: &str) -> Result<(), RegisterError> {
        let mut inner = self.inner.lock();
        if inner.retired {
            return Err(RegisterError::Retired);
        }
        if inner.sockets.len() >= self.limits.connections {
            return Err(RegisterError::Full);
        }
        if let Some(other) = inner.ids.get(id).and_then(|key| inner.sockets.get(key)) {
            return Err(RegisterError::Taken(other.socket.clone()));
        }
        let id: Arc<str> = id.into();
        inner.ids.insert(id.clone(), socket.key);
        inner
            .sockets
            .insert(socket.key, Entry { socket: socket.clone(), id, uri: uri.into(), accepted: None });
        Ok(())
    }

    /// Forgets a socket that is gone or going, and returns what was kept of it.
    pub(crate) fn remove(&self, key: ConnectionKey) -> Option<ConnectionInfo> {
        let mut inner = self.inner.lock();
        let entry = inner.sockets.remove(&key)?;
        if inner.ids.get(&entry.id) == Some(&key) {
            inner.ids.remove(&entry.id);
        }
        entry.info(key)
    }

    /// Opens a request; `None` when the object is out of use and has to be looked up again.
    pub(crate) fn open_request(&self, request: RequestKey) -> Option<mpsc::UnboundedReceiver<ResponsePart>> {
        // Unbounded as a type, bounded by the window that the object keeps to (see `ToObject::Drained`).
        let (sender, receiver) = mpsc::unbounded_channel();
        let mut inner = self.inner.lock();
        if inner.retired {
            return None;
        }
        inner.requests.insert(request, sender);
        Some(receiver)
    }

    pub(crate) fn drop_request(&self, request: RequestKey) {
        self.inner.lock().requests.remove(&request);
    }

    /// Some of the connections that the object has accepted and that are not closing, oldest first.
    pub(crate) fn connections(&self, selection: &Selection) -> Vec<ConnectionInfo> {
        let inner = self.inner.lock();
        inner
            .sockets
            .iter()
            .filter(|(key, entry)| !entry.socket.is_closing() && entry.is_in(selection, **key))
            .filter_map(|(key, entry)| entry.info(*key))
            .collect()
    }

    /// A connection that the object has accepted.
    pub(crate) fn connection(&self, key: ConnectionKey) -> Option<ConnectionInfo> {
        let inner = self.inner.lock();
        inner.sockets.get(&key).and_then(|entry| entry.info(key))
    }

    /// Takes the hub out of use if nothing is in it: whoever comes next looks the object up again.
    pub(crate) fn try_retire(&self) -> bool {
        let mut inner = self.inner.lock();
        inner.retired = inner.sockets.is_empty() && inner.requests.is_empty();
        inner.retired
    }

    /// Takes a hub into use again whose object turned out to be awake.
    pub(crate) fn unretire(&self) {
        self.inner.lock().retired = false;
    }

    /// Closes every socket behind what was sent to it.
    pub(crate) fn close_all(&self, code: u16, reason: &str) {
        let frame = codec::close(Some(code), reason);
        for entry in self.inner.lock().sockets.values() {
            entry.socket.close(frame.clone());
        }
    }

    /// Ends everything that waits for an object which failed: sockets with 1011, requests broken off.
    ///
    /// A socket that was not accepted yet gets a final code: between accept and identity a client
    /// that retries would wait for ever for the promise that it already gave away.
    pub(crate) fn fail(&self, reason: &str) {
        let mut inner = self.inner.lock();
        for entry in inner.sockets.values() {
            let code = if entry.accepted.is_some() { 1011 } else { 4500 };
            entry.socket.close(codec::close(Some(code), reason));
        }
        inner.requests.clear();
    }

    /// Breaks off the open requests.
    pub(crate) fn drop_requests(&self) {
        self.inner.lock().requests.clear();
    }

    /// Carries out what an object says, in its order.
    pub(crate) fn apply(&self, messages: impl IntoIterator<Item = ToGateway>) {
        let mut inner = self.inner.lock();
        for message in messages {
            inner.apply(message);
        }
    }
}

impl Inner {
    fn apply(&mut self, message: ToGateway) {
        match message {
            ToGateway::Accept { connection, tags, attachment } => {
                if let Some(entry) = self.sockets.get_mut(&connection) {
                    let card = Card { id: entry.id.to_string(), uri: Some(entry.uri.to_string()), tags };
                    entry.accepted =
                        Some(Accepted { card: Arc::new(card), attachment: Attachment::decode(attachment) });
                }
            }
            ToGateway::Send { targets, message, latest: _ } => self.send(&targets, &codec::message(&message)),
            ToGateway::Close { connection, code, reason } => {
                if let Some(entry) = self.sockets.get(&connection) {
                    entry.socket.close(codec::close(code, &reason));
                }
            }
            ToGateway::Attach { connection, attachment } => {
                if let Some(accepted) =
                    self.sockets.get_mut(&connection).and_then(|entry| entry.accepted.as_mut())
                {
                    accepted.attachment = Attachment::decode(attachment);
                }
            }
            ToGateway::Credit { connection, messages } => {
                if let Some(entry) = self.sockets.get(&connection) {
                    entry.socket.credit(messages);
                }
            }
            ToGateway::Respond { request, head } => self.respond(request, ResponsePart::Head(head)),
            ToGateway::RespondChunk { request, chunk } => self.respond(request, ResponsePart::Chunk(chunk)),
            ToGateway::RespondEnd { request, complete } => {
                self.respond(request, ResponsePart::End { complete });
                self.requests.remove(&request);
            }
            ToGateway::AutoResponse { pair } => self.auto_response = pair,
        }
    }

    fn send(&self, targets: &Targets, frame: &Bytes) {
        match targets {
            Targets::One(key) => {
                if let Some(entry) = self.sockets.get(key) {
                    entry.socket.send(frame.clone());
                }
            }
            Targets::Many(selection) => {
                for (key, entry) in &self.sockets {
                    if entry.is_in(selection, *key) {
                        entry.socket.send(frame.clone());
                    }
                }
            }
        }
    }

    fn respond(&self, request: RequestKey, part: ResponsePart) {
        if let Some(sender) = self.requests.get(&request) {
            // A receiver that is gone has told so with `ToObject::Gone`.
            let _ = sender.send(part);
        }
    }
}
