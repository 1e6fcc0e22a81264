//! The tools of the gateway's tests: an object that records its messages, and clients in memory.

use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::sleep;

use crate::gateway::socket::Task;
use crate::gateway::{
    Attachment, ConnectionKey, Flags, Gateway, GatewayPort, Head, Hub, Message, ObjectPort, PostError,
    Selection, Stream, Targets, ToGateway, ToObject, accept,
};
use crate::limits::{Limit, Limits, Rate};
use crate::support::clock::Clock;

pub(super) const TEXT: u8 = 1;
pub(super) const BINARY: u8 = 2;
pub(super) const CLOSE: u8 = 8;
pub(super) const PING: u8 = 9;
pub(super) const PONG: u8 = 10;

/// An object that records its messages.
#[derive(Debug, Default)]
pub(super) struct Notes {
    messages: Mutex<Vec<ToObject>>,
    /// The wakers of refused posts, while the object accepts no message.
    full: Mutex<Option<Vec<Waker>>>,
}

impl Notes {
    pub(super) fn take(&self) -> Vec<ToObject> {
        std::mem::take(&mut *self.messages.lock())
    }

    pub(super) fn set_full(&self, full: bool) {
        let waiting = std::mem::replace(&mut *self.full.lock(), full.then(Vec::new));
        waiting.into_iter().flatten().for_each(Waker::wake);
    }
}

impl ObjectPort for Notes {
    fn post(&self, message: ToObject, cx: &Context<'_>) -> Result<(), PostError> {
        if let Some(waiting) = &mut *self.full.lock() {
            waiting.push(cx.waker().clone());
            return Err(PostError::Full(message, Limit::MailboxMessages));
        }
        self.messages.lock().push(message);
        Ok(())
    }

    fn address(&self) -> (&str, &str) {
        ("a", "b")
    }
}

/// A hub with an object that records its messages.
pub(super) struct GatewayHarness {
    pub(super) gateway: Arc<Gateway>,
    pub(super) hub: Arc<Hub>,
    pub(super) object: Arc<Notes>,
}

/// Returns the limits of a host without a heartbeat and with small budgets.
pub(crate) fn limits() -> Limits {
    Limits {
        heartbeat: None,
        connections: 100,
        connections_per_agent: 3,
        message_bytes: 1 << 20,
        outbox_bytes: 1 << 20,
        in_flight_per_connection: 2,
        in_flight_bytes_per_connection: 1 << 18,
        incoming_bytes: 1 << 20,
        outgoing_bytes: 1 << 22,
        ..Limits::default()
    }
}

impl GatewayHarness {
    pub(super) fn new(heartbeat: Option<Duration>) -> Self {
        Self::with(Limits { heartbeat, ..limits() })
    }

    /// Returns a harness whose sockets have this rate limit and a large limit of messages in flight.
    pub(super) fn with_rate(rate: Rate) -> Self {
        Self::with(Limits { in_flight_per_connection: 10_000, messages_per_second: Some(rate), ..limits() })
    }

    pub(super) fn with(limits: Limits) -> Self {
        let gateway = Gateway::start(Clock::start_virtual(), Arc::new(limits));
        let object = Arc::<Notes>::default();
        let port: Arc<dyn ObjectPort> = object.clone();
        Self { hub: Arc::new(Hub::new(gateway.clone(), Arc::downgrade(&port))), gateway, object }
    }

    /// Connects a client that the object has not accepted yet; its stream buffers `room` bytes.
    pub(super) async fn connect_with(&self, wanted: Option<&str>, room: usize) -> (ConnectionKey, Client) {
        let (ours, theirs) = duplex(room);
        let task = self.open(theirs, wanted.map(Into::into)).await.unwrap();
        let key = task.socket.key;
        tokio::spawn(task);
        let_tasks_run().await;
        (key, Client { io: ours, input: Vec::new() })
    }

    fn open(&self, io: DuplexStream, wanted: Option<String>) -> impl Future<Output = Option<Task>> + use<> {
        let (hub, object) = (self.hub.clone(), self.object.clone());
        let find = move || (hub.clone(), object.clone() as Arc<dyn ObjectPort>);
        let head = Head {
            method: "GET".into(),
            uri: "/agents/a/b".into(),
            headers: Vec::new(),
            peer: None,
            origin: Default::default(),
            client: None,
            internal: None,
        };
        let slot = self.gateway.connection_slots.socket(None).unwrap();
        accept(Stream::other(io), find, wanted, head, slot)
    }

    /// Connects a client that is refused.
    pub(super) async fn refused(&self) -> Client {
        let (ours, theirs) = duplex(1000);
        tokio::spawn(self.open(theirs, None));
        let_tasks_run().await;
        Client { io: ours, input: Vec::new() }
    }

    /// Returns the number of socket tasks that have not ended.
    pub(super) fn tasks(&self) -> usize {
        self.gateway.connection_slots.sockets()
    }

    pub(super) async fn connect(&self) -> (ConnectionKey, Client) {
        self.connect_with(None, 1 << 16).await
    }

    /// Accepts a connection with tags and flags, and drops its recorded messages.
    pub(super) fn accept(&self, connection: ConnectionKey, tags: &[&str], flags: Flags) {
        let tags = tags.iter().map(|&tag| tag.to_owned()).collect();
        let attachment = Attachment::new(flags, b"").encoded();
        self.hub.apply(&mut [ToGateway::Accept { connection, tags, attachment }]);
        self.object.take();
    }

    /// Connects a client and accepts it.
    pub(super) async fn accepted(&self) -> (ConnectionKey, Client) {
        let (key, client) = self.connect().await;
        self.accept(key, &[], Flags::NONE);
        (key, client)
    }

    pub(super) fn send(&self, connection: ConnectionKey, message: impl Into<Message>, latest: bool) {
        let (targets, message) = (Targets::One(connection), message.into());
        self.hub.apply(&mut [ToGateway::Send { targets, message, latest }]);
    }

    pub(super) fn broadcast(&self, selection: Selection, message: &str) {
        let targets = Targets::Many(Box::new(selection));
        self.hub.apply(&mut [ToGateway::Send { targets, message: message.into(), latest: false }]);
    }
}

/// Waits until all tasks are waiting: only then does the paused clock advance.
pub(super) async fn let_tasks_run() {
    sleep(Duration::from_millis(1)).await;
}

/// A client in memory.
pub(super) struct Client {
    io: DuplexStream,
    input: Vec<u8>,
}

impl Client {
    /// Sends one complete short frame, with a mask of zeros.
    pub(super) async fn send(&mut self, opcode: u8, payload: &[u8]) {
        let mut frame = vec![0x80 | opcode, 0x80 | u8::try_from(payload.len()).unwrap(), 0, 0, 0, 0];
        frame.extend(payload);
        self.bytes(&frame).await;
    }

    /// Begins a binary message of this many bytes.
    pub(super) async fn begin(&mut self, len: u64) {
        let mut header = vec![0x80 | BINARY, 0xff];
        header.extend(len.to_be_bytes());
        header.extend([0; 4]);
        self.bytes(&header).await;
    }

    /// Sends a binary message of this many zeros.
    pub(super) async fn send_zeros(&mut self, len: usize) {
        self.begin(len as u64).await;
        self.bytes(&vec![0; len]).await;
    }

    /// Reads this many bytes and drops them.
    pub(super) async fn swallow(&mut self, len: usize) {
        self.io.read_exact(&mut vec![0; len]).await.unwrap();
        let_tasks_run().await;
    }

    pub(super) async fn bytes(&mut self, bytes: &[u8]) {
        self.io.write_all(bytes).await.unwrap();
        let_tasks_run().await;
    }

    /// Returns the frames that have arrived.
    pub(super) async fn frames(&mut self) -> Vec<(u8, Bytes)> {
        let mut out = Vec::new();
        loop {
            let mut buffer = [0; 4096];
            tokio::select! {
                read = self.io.read(&mut buffer) => match read {
                    Ok(0) | Err(_) => break,
                    Ok(read) => self.input.extend(&buffer[..read]),
                },
                () = let_tasks_run() => break,
            }
        }
        while let [first, len, rest @ ..] = &self.input[..] {
            let (len, rest) = match len {
                126 => (usize::from(u16::from_be_bytes([rest[0], rest[1]])), &rest[2..]),
                127 => (u64::from_be_bytes(rest[..8].try_into().unwrap()) as usize, &rest[8..]),
                len => (usize::from(*len), rest),
            };
            out.push((first & 0x0f, Bytes::copy_from_slice(&rest[..len])));
            self.input = rest[len..].to_vec();
        }
        out
    }

    /// Returns the texts that have arrived.
    pub(super) async fn texts(&mut self) -> Vec<String> {
        let frames = self.frames().await.into_iter().filter(|(opcode, _)| *opcode == TEXT);
        frames.map(|(_, text)| String::from_utf8(text.to_vec()).unwrap()).collect()
    }

    /// Returns the number of bytes that arrive until the other side is gone.
    pub(super) async fn bytes_left(&mut self) -> usize {
        let mut bytes = Vec::new();
        self.io.read_to_end(&mut bytes).await.unwrap_or(0)
    }

    /// Returns whether the other side is gone.
    pub(super) async fn is_over(&mut self) -> bool {
        self.frames().await;
        matches!(self.io.read(&mut [0]).await, Ok(0) | Err(_))
    }
}
