//! The gateway's side of one object: its sockets and its open requests.

#[cfg(test)]
mod tests;

use std::borrow::Borrow;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{Hash, Hasher};
use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::mpsc;

use crate::gateway::metrics::{HubMetrics, Presence};
use crate::gateway::socket::Socket;
use crate::gateway::socket::codec;
use crate::gateway::{
    AutoResponse, BodyCredit, ConnectionInfo, ConnectionKey, ConnectionMeta, Gateway, MemoryPermit, Message,
    RequestKey, ResponseHead, Selection, Targets, ToGateway,
};
use crate::limits::{Counter, Limits};
use crate::wire::close_code;

/// The length that stands for no auto-response; no message is so long.
const NO_LENGTH: usize = usize::MAX;

/// A part of a response on its way to the client.
#[derive(Debug)]
pub(crate) enum ResponsePart {
    Head(ResponseHead),
    Chunk(Bytes),
    End { complete: bool },
}

/// A request whose response is not complete yet.
#[derive(Debug)]
struct OpenRequest {
    parts: mpsc::UnboundedSender<ResponsePart>,
    /// The credit of a request body that is still arriving.
    credit: Option<Arc<BodyCredit>>,
}

impl Drop for OpenRequest {
    fn drop(&mut self) {
        if let Some(credit) = &self.credit {
            credit.close();
        }
    }
}

/// The sockets and open requests of one object.
#[derive(Debug)]
pub(crate) struct Hub {
    pub(crate) gateway: Arc<Gateway>,
    frames_in: Counter,
    /// The length of the auto-response's request, so that messages of other lengths need no lock.
    auto_length: AtomicUsize,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    /// `true` if the hub is out of use forever and accepts no socket and no request.
    retired: bool,
    /// `true` if the host has stopped; new sockets are closed.
    shut: bool,
    sockets: BTreeMap<ConnectionKey, Arc<Socket>>,
    /// The number of ended sockets whose close was not delivered to the object yet.
    pending_closes: usize,
    ids: HashMap<ById, ConnectionKey>,
    presence: Presence,
    frames_out: u64,
    auto: Option<Box<Auto>>,
    requests: HashMap<RequestKey, OpenRequest>,
}

/// The metadata of a connection in a map by its id.
#[derive(Debug)]
struct ById(Arc<ConnectionMeta>);

impl Borrow<str> for ById {
    fn borrow(&self) -> &str {
        &self.0.id
    }
}

impl Hash for ById {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.id.hash(state);
    }
}

impl PartialEq for ById {
    fn eq(&self, other: &Self) -> bool {
        self.0.id == other.0.id
    }
}

impl Eq for ById {}

#[derive(Debug)]
struct Auto {
    request: String,
    /// The response as an encoded frame.
    response: Bytes,
}

/// A reason why a socket was not registered.
#[derive(Debug)]
pub(crate) enum RegisterError {
    /// The object has the maximum number of sockets.
    Full,
    /// The object is out of use; the caller looks it up again.
    Retired,
    /// Another socket has this id; the caller checks whether that socket is alive.
    Taken(Arc<Socket>),
}

impl Hub {
    pub(crate) fn new(gateway: Arc<Gateway>) -> Self {
        Self {
            gateway,
            frames_in: Counter::default(),
            auto_length: AtomicUsize::new(NO_LENGTH),
            inner: Mutex::default(),
        }
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.gateway.limits
    }

    /// Registers a socket. The socket receives no messages until the object accepts it.
    pub(crate) fn register(&self, socket: &Arc<Socket>, id: &str, uri: &str) -> Result<(), RegisterError> {
        let mut inner = self.inner.lock();
        if inner.retired {
            return Err(RegisterError::Retired);
        }
        if inner.sockets.len() >= self.limits().connections_per_agent {
            return Err(RegisterError::Full);
        }
        // A socket that is closed now need not wait for an id.
        if !inner.shut
            && let Some(other) = inner.ids.get(id).and_then(|key| inner.sockets.get(key))
        {
            return Err(RegisterError::Taken(other.clone()));
        }
        let meta = ConnectionMeta { id: id.to_owned(), uri: Some(uri.to_owned()), tags: Vec::new() };
        let meta = Arc::new(meta);
        socket.set_card(meta.clone());
        inner.ids.insert(ById(meta), socket.key);
        inner.sockets.insert(socket.key, socket.clone());
        if inner.shut {
            socket.close(going_away());
        }
        let now = self.gateway.heartbeat.now();
        inner.presence.open(now);
        self.gateway.totals.open(now);
        Ok(())
    }

    /// Removes a socket that is gone or closing, and returns the data that was stored for it.
    pub(crate) fn remove(&self, key: ConnectionKey) -> Option<ConnectionInfo> {
        let mut inner = self.inner.lock();
        let socket = inner.sockets.remove(&key)?;
        if let Some(meta) = socket.meta() {
            inner.ids.remove(meta.id.as_str());
        }
        let now = self.gateway.heartbeat.now();
        inner.presence.close(now);
        self.gateway.totals.close(now);
        drop(inner);
        socket.info()
    }

    /// Removes a socket as [`remove`](Self::remove) does, when its close must still be delivered to the
    /// object. The hub stays in use until [`close_delivered`](Self::close_delivered).
    pub(crate) fn begin_close(&self, key: ConnectionKey) -> Option<ConnectionInfo> {
        self.inner.lock().pending_closes += 1;
        self.remove(key)
    }

    /// Records that the close of a socket was delivered to the object, or never will be.
    pub(crate) fn close_delivered(&self) {
        self.inner.lock().pending_closes -= 1;
    }

    /// Records that the close of a socket must be delivered once more, because the object could not handle it.
    pub(crate) fn close_undelivered(&self) {
        self.inner.lock().pending_closes += 1;
    }

    /// Returns whether the close of a socket must still be delivered to the object.
    pub(crate) fn has_pending_closes(&self) -> bool {
        self.inner.lock().pending_closes > 0
    }

    /// Opens a request; returns `None` when the object is out of use and has to be looked up again.
    pub(crate) fn open_request(
        &self,
        request: RequestKey,
        credit: Option<Arc<BodyCredit>>,
    ) -> Option<mpsc::UnboundedReceiver<ResponsePart>> {
        // The channel is unbounded as a type; the object keeps to the window of the response (see
        // `ToObject::Drained`).
        let (parts, receiver) = mpsc::unbounded_channel();
        let open = OpenRequest { parts, credit };
        let mut inner = self.inner.lock();
        if inner.retired {
            return None;
        }
        if !inner.shut {
            inner.requests.insert(request, open);
        }
        Some(receiver)
    }

    /// Returns whether the response to a request is not complete.
    pub(crate) fn has_request(&self, request: RequestKey) -> bool {
        self.inner.lock().requests.contains_key(&request)
    }

    /// Drops a request; returns `false` when its response was complete.
    pub(crate) fn drop_request(&self, request: RequestKey) -> bool {
        let open = self.inner.lock().requests.remove(&request);
        open.is_some()
    }

    /// Returns the selected connections that the object has accepted and that are not closing, oldest first.
    pub(crate) fn connections(&self, selection: &Selection) -> Vec<ConnectionInfo> {
        let inner = self.inner.lock();
        inner.open(selection).filter_map(|socket| socket.info()).collect()
    }

    /// Returns a connection that the object has accepted and that is not closing.
    pub(crate) fn connection(&self, key: ConnectionKey) -> Option<ConnectionInfo> {
        let socket = self.inner.lock().sockets.get(&key).cloned();
        socket.filter(|socket| !socket.is_closing()).and_then(|socket| socket.info())
    }

    /// Returns the number of bytes that wait for the client of a connection.
    pub(crate) fn waiting_for(&self, key: ConnectionKey) -> usize {
        self.inner.lock().sockets.get(&key).map_or(0, |socket| socket.waiting())
    }

    /// Returns whether a connection exists, in any stage.
    pub(crate) fn has(&self, key: ConnectionKey) -> bool {
        self.inner.lock().sockets.contains_key(&key)
    }

    /// Returns the key of the socket with this id.
    pub(crate) fn key_of(&self, id: &str) -> Option<ConnectionKey> {
        self.inner.lock().ids.get(id).copied()
    }

    /// Returns the sockets whose `Connect` was posted to the object and that it has not accepted.
    pub(crate) fn asking(&self) -> HashSet<ConnectionKey> {
        let inner = self.inner.lock();
        inner.sockets.values().filter(|socket| socket.is_asking()).map(|socket| socket.key).collect()
    }

    /// Returns whether there are no sockets.
    pub(crate) fn is_empty(&self) -> bool {
        self.inner.lock().sockets.is_empty()
    }

    /// Returns the only socket.
    #[cfg(test)]
    pub(super) fn socket(&self) -> Arc<Socket> {
        let inner = self.inner.lock();
        assert_eq!(inner.sockets.len(), 1);
        inner.sockets.values().next().cloned().unwrap()
    }

    /// Returns the usage of the sockets so far.
    pub(crate) fn metrics(&self) -> HubMetrics {
        let inner = self.inner.lock();
        HubMetrics {
            frames_in: self.frames_in.get(),
            frames_out: inner.frames_out,
            sockets: inner.presence.sockets,
            connected: inner.presence.connected(self.gateway.heartbeat.now()),
        }
    }

    /// Counts messages from clients.
    pub(crate) fn count_in(&self, messages: usize) {
        self.frames_in.add(messages);
        self.gateway.totals.frames_in.add(messages);
    }

    /// Sends the auto-response to a message of an accepted connection; returns `false` if the message is not
    /// its request.
    pub(crate) fn answer(&self, socket: &Socket, message: &Message) -> bool {
        let Message::Text(text) = message else { return false };
        if text.len() != self.auto_length.load(Ordering::Relaxed) {
            return false;
        }
        let mut inner = self.inner.lock();
        let response = match &inner.auto {
            Some(auto) if auto.request == *text => auto.response.clone(),
            _ => return false,
        };
        if !socket.set_answered(self.gateway.clock.now_ms()) {
            return false;
        }
        if socket.send(response, false, self) {
            inner.frames_out += 1;
            self.gateway.totals.frames_out.add(1);
        }
        self.gateway.totals.auto_responses.add(1);
        true
    }

    /// Retires the hub if it is empty; later callers look the object up again.
    pub(crate) fn try_retire(&self) -> bool {
        let mut inner = self.inner.lock();
        inner.retired = inner.sockets.is_empty() && inner.pending_closes == 0 && inner.requests.is_empty();
        inner.retired
    }

    /// Takes a retired hub into use again, because its object turned out to be awake.
    pub(crate) fn unretire(&self) {
        self.inner.lock().retired = false;
    }

    /// Stops the hub with its host: closes every socket after its pending messages and aborts the requests.
    /// The same applies to sockets and requests that come later.
    pub(crate) fn shut(&self) {
        let mut inner = self.inner.lock();
        inner.shut = true;
        let requests = mem::take(&mut inner.requests);
        for socket in inner.sockets.values() {
            socket.close(going_away());
            socket.answer_probes(false);
        }
        drop(inner);
        drop(requests);
    }

    /// Ends everything that waits for an object which failed: closes sockets with 1011 and aborts requests.
    ///
    /// A socket that was not accepted yet gets a final code. The npm client would connect again after another
    /// code, but its promise `ready` of this connection would never settle. Sockets for which `may_wait`
    /// returns `true` wait for the next activation instead.
    pub(crate) fn fail(&self, reason: &str, may_wait: impl Fn(ConnectionKey) -> bool) {
        let mut inner = self.inner.lock();
        for socket in inner.sockets.values() {
            match socket.is_accepted() {
                true => socket.close(codec::close(Some(close_code::INTERNAL_ERROR), reason)),
                false if may_wait(socket.key) => {}
                false => socket.close(codec::close(Some(close_code::SERVER_ERROR), reason)),
            }
        }
        let requests = mem::take(&mut inner.requests);
        drop(inner);
        drop(requests);
    }

    /// Applies the messages of an object in their order.
    ///
    /// The messages stay with the caller, who drops them: bytes in them may have an owner whose destructor is code of the
    /// user, which must not run under the lock.
    pub(crate) fn apply(&self, messages: &mut [ToGateway]) {
        let mut over = Vec::new();
        let mut inner = self.inner.lock();
        let before = inner.frames_out;
        for message in messages {
            over.extend(self.carry_out(&mut inner, message));
        }
        self.gateway.totals.frames_out.add((inner.frames_out - before) as usize);
        drop(inner);
        drop(over);
    }

    /// Carries out a message; returns the request that is over with it.
    fn carry_out(&self, inner: &mut Inner, message: &mut ToGateway) -> Option<OpenRequest> {
        match message {
            ToGateway::Accept { connection, tags, attachment } => {
                let Inner { sockets, ids, .. } = inner;
                if let Some(socket) = sockets.get(connection) {
                    // The index releases the metadata first, so that they can be changed in place.
                    if let Some(id) = socket.meta().map(|meta| meta.id.clone()) {
                        ids.remove(id.as_str());
                    }
                    let meta = socket.accept(mem::take(tags), mem::take(attachment));
                    ids.extend(meta.map(|meta| (ById(meta), *connection)));
                }
            }
            ToGateway::Send { targets, message, latest } => {
                inner.frames_out += self.send(inner, targets, &codec::message(message), *latest);
            }
            ToGateway::Close { connection, code, reason } => {
                if let Some(socket) = inner.sockets.get(connection) {
                    socket.close(codec::close(*code, reason));
                }
            }
            ToGateway::Attach { connection, attachment } => {
                if let Some(socket) = inner.sockets.get(connection) {
                    socket.attach(mem::take(attachment));
                }
            }
            ToGateway::Credit { connection, messages, bytes } => {
                if let Some(socket) = inner.sockets.get(connection) {
                    socket.credit(*messages, *bytes);
                }
            }
            ToGateway::Respond { request, head } => {
                let head = ResponseHead { status: head.status, headers: mem::take(&mut head.headers) };
                drop(inner.respond(*request, ResponsePart::Head(head)));
            }
            ToGateway::RespondChunk { request, chunk } => {
                let counted = MemoryPermit::frame(&self.gateway.outgoing, mem::take(chunk));
                if let Some(ResponsePart::Chunk(back)) = inner.respond(*request, ResponsePart::Chunk(counted))
                {
                    *chunk = back;
                }
            }
            ToGateway::RespondEnd { request, complete } => {
                drop(inner.respond(*request, ResponsePart::End { complete: *complete }));
                return inner.requests.remove(request);
            }
            ToGateway::BodyCredit { request, bytes } => {
                let open = inner.requests.get(request);
                if let Some(credit) = open.and_then(|open| open.credit.as_ref()) {
                    credit.add(usize::try_from(*bytes).unwrap_or(usize::MAX));
                }
            }
            ToGateway::AwaitRoom { connection, request } => {
                // The request ends when the last sender is dropped.
                let asked = inner.requests.remove(request)?;
                if let Some(socket) = inner.sockets.get(connection) {
                    socket.await_room(asked.parts.clone());
                }
                return Some(asked);
            }
            ToGateway::AutoResponse { pair } => {
                let length = pair.as_ref().map_or(NO_LENGTH, |pair| pair.request.len());
                self.auto_length.store(length, Ordering::Relaxed);
                inner.auto = pair.take().map(|AutoResponse { request, response }| {
                    Box::new(Auto { request, response: codec::message(&Message::Text(response)) })
                });
            }
        }
        None
    }

    /// Sends a frame and returns the number of sockets that accepted it.
    fn send(&self, inner: &Inner, targets: &Targets, frame: &Bytes, latest: bool) -> u64 {
        match targets {
            Targets::One(key) => {
                let socket = inner.sockets.get(key);
                socket.map_or(0, |socket| u64::from(socket.send(frame.clone(), latest, self)))
            }
            Targets::Many(selection) => {
                // The frame is counted once here, no matter how many sockets share it.
                let frame = &MemoryPermit::frame(&self.gateway.outgoing, frame.clone());
                let sent = inner.sockets.values().map(|it| it.send_if(selection, frame, latest, self));
                sent.map(u64::from).sum()
            }
        }
    }
}

/// Returns the close frame of a host that stops.
fn going_away() -> Bytes {
    codec::close(Some(close_code::GOING_AWAY), "server shutting down")
}

impl Inner {
    fn open(&self, selection: &Selection) -> impl Iterator<Item = &Arc<Socket>> {
        self.sockets.values().filter(move |socket| !socket.is_closing() && socket.is_in(selection))
    }

    /// Hands a part of a response on, and returns it if nothing takes it any more.
    fn respond(&self, request: RequestKey, part: ResponsePart) -> Option<ResponsePart> {
        match self.requests.get(&request) {
            // A dropped receiver has already reported `ToObject::Gone`.
            Some(open) => open.parts.send(part).err().map(|unsent| unsent.0),
            None => Some(part),
        }
    }
}
