//! The gateway's side of one object: its sockets and its open requests.

#[cfg(test)]
mod tests;

use std::borrow::Borrow;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{Hash, Hasher};
use std::mem;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::task::{Context, Waker};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::mpsc;

use crate::gateway::metrics::{HubMetrics, Presence};
use crate::gateway::socket::Socket;
use crate::gateway::socket::codec;
use crate::gateway::{
    AutoResponse, BodyCredit, ConnectionInfo, ConnectionKey, ConnectionMeta, Gateway, GatewayPort,
    MemoryPermit, Message, ObjectPort, RequestKey, ResponseHead, Targets, ToGateway, ToObject, Unaccepted,
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
    /// The object, which exists for as long as its host uses it.
    port: Weak<dyn ObjectPort>,
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
    pub(crate) fn new(gateway: Arc<Gateway>, port: Weak<dyn ObjectPort>) -> Self {
        Self {
            gateway,
            port,
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
        socket.set_meta(meta.clone());
        inner.ids.insert(ById(meta), socket.key);
        inner.sockets.insert(socket.key, socket.clone());
        if inner.shut {
            socket.close(going_away(), self);
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

    /// Drops a request; returns `false` when its response was complete.
    pub(crate) fn drop_request(&self, request: RequestKey) -> bool {
        let open = self.inner.lock().requests.remove(&request);
        open.is_some()
    }

    /// Returns the only socket.
    #[cfg(test)]
    pub(super) fn socket(&self) -> Arc<Socket> {
        let inner = self.inner.lock();
        assert_eq!(inner.sockets.len(), 1);
        inner.sockets.values().next().cloned().unwrap()
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

    /// Answers the question of the object whether a client has room.
    pub(in crate::gateway) fn has_room(&self, request: RequestKey) {
        if let Some(object) = self.port.upgrade() {
            // The answer does not wait in the mailbox, so it is always accepted.
            let _ = object.post(ToObject::Room { request }, &Context::from_waker(Waker::noop()));
        }
    }

    /// Carries out a message, and collects the requests that are over with it.
    fn carry_out(&self, inner: &mut Inner, message: &mut ToGateway, over: &mut Vec<OpenRequest>) {
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
                    socket.close(codec::close(*code, reason), self);
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
                over.extend(inner.requests.remove(request));
            }
            ToGateway::BodyCredit { request, bytes } => {
                let open = inner.requests.get(request);
                if let Some(credit) = open.and_then(|open| open.credit.as_ref()) {
                    credit.add(usize::try_from(*bytes).unwrap_or(usize::MAX));
                }
            }
            ToGateway::AwaitRoom { connection, request } => match inner.sockets.get(connection) {
                Some(socket) => socket.await_room(*request, self),
                None => self.has_room(*request),
            },
            ToGateway::AutoResponse { pair } => {
                let length = pair.as_ref().map_or(NO_LENGTH, |pair| pair.request.len());
                self.auto_length.store(length, Ordering::Relaxed);
                inner.auto = pair.take().map(|AutoResponse { request, response }| {
                    Box::new(Auto { request, response: codec::message(&Message::Text(response)) })
                });
            }
            ToGateway::Fail { reason, unaccepted } => {
                for socket in inner.sockets.values() {
                    let fails = match unaccepted {
                        Unaccepted::All => true,
                        Unaccepted::These(keys) => keys.contains(&socket.key),
                    };
                    match socket.is_accepted() {
                        true => socket.close(codec::close(Some(close_code::INTERNAL_ERROR), reason), self),
                        false if fails => {
                            socket.close(codec::close(Some(close_code::SERVER_ERROR), reason), self);
                        }
                        false => {}
                    }
                }
                over.extend(mem::take(&mut inner.requests).into_values());
            }
            ToGateway::Shut => {
                inner.shut = true;
                for socket in inner.sockets.values() {
                    socket.close(going_away(), self);
                    socket.answer_probes(false);
                }
                over.extend(mem::take(&mut inner.requests).into_values());
            }
        }
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

impl GatewayPort for Hub {
    fn apply(&self, messages: &mut [ToGateway]) {
        let mut over = Vec::new();
        let mut inner = self.inner.lock();
        let before = inner.frames_out;
        for message in messages {
            self.carry_out(&mut inner, message, &mut over);
        }
        self.gateway.totals.frames_out.add((inner.frames_out - before) as usize);
        drop(inner);
        drop(over);
    }

    fn connection(&self, key: ConnectionKey) -> Option<ConnectionInfo> {
        let socket = self.inner.lock().sockets.get(&key).cloned();
        socket.filter(|socket| !socket.is_closing()).and_then(|socket| socket.info())
    }

    fn connections(&self) -> Vec<ConnectionInfo> {
        let inner = self.inner.lock();
        let open = inner.sockets.values().filter(|socket| !socket.is_closing());
        open.filter_map(|socket| socket.info()).collect()
    }

    fn key_of(&self, id: &str) -> Option<ConnectionKey> {
        self.inner.lock().ids.get(id).copied()
    }

    fn has_connection(&self, key: ConnectionKey) -> bool {
        self.inner.lock().sockets.contains_key(&key)
    }

    fn has_connections(&self) -> bool {
        !self.inner.lock().sockets.is_empty()
    }

    fn unaccepted(&self) -> HashSet<ConnectionKey> {
        let inner = self.inner.lock();
        inner.sockets.values().filter(|socket| socket.awaits_accept()).map(|socket| socket.key).collect()
    }

    fn waiting_bytes(&self, key: ConnectionKey) -> usize {
        self.inner.lock().sockets.get(&key).map_or(0, |socket| socket.waiting())
    }

    fn has_pending_closes(&self) -> bool {
        self.inner.lock().pending_closes > 0
    }

    fn has_request(&self, request: RequestKey) -> bool {
        self.inner.lock().requests.contains_key(&request)
    }

    fn metrics(&self) -> HubMetrics {
        let inner = self.inner.lock();
        HubMetrics {
            frames_in: self.frames_in.get(),
            frames_out: inner.frames_out,
            sockets: inner.presence.sockets,
            connected: inner.presence.connected(self.gateway.heartbeat.now()),
        }
    }

    fn try_retire(&self) -> bool {
        let mut inner = self.inner.lock();
        inner.retired = inner.sockets.is_empty() && inner.pending_closes == 0 && inner.requests.is_empty();
        inner.retired
    }

    fn unretire(&self) {
        self.inner.lock().retired = false;
    }
}

/// Returns the close frame of a host that stops.
fn going_away() -> Bytes {
    codec::close(Some(close_code::GOING_AWAY), "server shutting down")
}

impl Inner {
    /// Hands a part of a response on, and returns it if nothing takes it any more.
    fn respond(&self, request: RequestKey, part: ResponsePart) -> Option<ResponsePart> {
        match self.requests.get(&request) {
            // A dropped receiver has already reported `ToObject::Gone`.
            Some(open) => open.parts.send(part).err().map(|unsent| unsent.0),
            None => Some(part),
        }
    }
}
