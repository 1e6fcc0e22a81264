//! One socket: reading, writing and closing.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf, Bytes};
use futures_util::task::AtomicWaker;
use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::oneshot;
use tokio::time::Sleep;

use crate::gateway::codec::{self, Decoder, Incoming, Violation};
use crate::gateway::hub::{Hub, RegisterError};
use crate::gateway::outbox::Outbox;
use crate::gateway::{Close, ConnectionKey, Head, ObjectPort, PostError, ToObject};

/// How long a peer may take to answer a close frame.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a socket with a wanted id may take to show that it lives.
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);
/// What one read takes at most; the buffer is on the stack, so that an idle socket has none.
const READ_BYTES: usize = 16 * 1024;
/// What is moved from the outbox to the socket in one go.
const WRITE_BYTES: usize = 256 * 1024;
/// How many frames one system call writes.
const WRITE_FRAMES: usize = 32;

static NEXT_KEY: AtomicU64 = AtomicU64::new(1);

/// The part of a socket that others reach.
#[derive(Debug)]
pub(crate) struct Socket {
    pub(crate) key: ConnectionKey,
    shared: Mutex<Shared>,
    waker: AtomicWaker,
    in_flight: AtomicU32,
    outbox_limit: usize,
    /// The object was told that the connection is over.
    ended: AtomicBool,
}

#[derive(Debug, Default)]
struct Shared {
    outbox: Outbox,
    /// Who waits for a sign of life.
    probes: Vec<oneshot::Sender<()>>,
}

impl Socket {
    fn new(outbox_limit: usize) -> Arc<Self> {
        Arc::new(Self {
            key: ConnectionKey(NEXT_KEY.fetch_add(1, Ordering::Relaxed)),
            shared: Mutex::default(),
            waker: AtomicWaker::new(),
            in_flight: AtomicU32::new(0),
            outbox_limit,
            ended: AtomicBool::new(false),
        })
    }

    /// Queues an encoded frame; a reader that stays too far behind is closed with 1013.
    pub(crate) fn send(&self, frame: Bytes) {
        let mut shared = self.shared.lock();
        if shared.outbox.push(frame, self.outbox_limit).is_err() {
            tracing::debug!(connection = ?self.key, "a reader stayed behind, its socket is closed");
            shared.outbox.close_now(codec::close(Some(1013), "too slow"));
        }
        drop(shared);
        self.waker.wake();
    }

    /// Queues an encoded close frame behind everything sent before.
    pub(crate) fn close(&self, frame: Bytes) {
        self.shared.lock().outbox.close(frame);
        self.waker.wake();
    }

    /// Takes the socket out of its hub; what the object has to be told, once.
    fn end(&self, hub: &Hub, close: Close) -> Option<ToObject> {
        if self.ended.swap(true, Ordering::AcqRel) {
            return None;
        }
        let info = hub.remove(self.key).map(Box::new);
        Some(ToObject::Close { connection: self.key, close, info })
    }

    fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.shared.lock().outbox.is_closing()
    }

    /// Takes back what handled messages used up.
    pub(crate) fn credit(&self, messages: u32) {
        let before = self.in_flight.fetch_sub(messages, Ordering::AcqRel);
        debug_assert!(before >= messages, "more credit than was used");
        self.waker.wake();
    }

    /// Asks the peer for a sign of life; `false` when none came in time.
    async fn is_alive(&self) -> bool {
        let (sender, receiver) = oneshot::channel();
        {
            let mut shared = self.shared.lock();
            shared.probes.push(sender);
            if shared.outbox.push(codec::ping(), self.outbox_limit).is_err() {
                return false;
            }
        }
        self.waker.wake();
        matches!(tokio::time::timeout(PROBE_TIMEOUT, receiver).await, Ok(Ok(())))
    }
}

/// Serves a socket until it is closed.
///
/// `find` looks the object up; a handle that went out of use meanwhile is looked up again. `wanted` is
/// the id that the client asked for. When a live socket has it, this one gets a fresh id; a dead one is
/// replaced.
pub(crate) async fn open<T>(
    io: T,
    find: impl Fn() -> (Arc<Hub>, Arc<dyn ObjectPort>) + Send,
    wanted: Option<String>,
    head: Head,
) where
    T: AsyncRead + AsyncWrite + Unpin + Send,
{
    let (mut hub, mut port) = find();
    let socket = Socket::new(hub.limits.outbox_bytes);
    let mut id = wanted.unwrap_or_else(|| nanoid::nanoid!());
    let mut posts = VecDeque::new();
    loop {
        match hub.register(&socket, &id, &head.uri) {
            Ok(()) => break,
            Err(RegisterError::Retired) => (hub, port) = find(),
            Err(RegisterError::Full) => return refuse(io, 4429, "too many connections").await,
            Err(RegisterError::Taken(other)) => {
                if other.is_alive().await {
                    id = nanoid::nanoid!();
                } else {
                    // The object hears of the old one's end before it hears of the new one.
                    posts.extend(other.end(&hub, Close::dropped()));
                    other.shared.lock().outbox.close_now(codec::close(Some(1001), "replaced"));
                    other.waker.wake();
                }
            }
        }
    }
    posts.push_back(ToObject::Connect { connection: socket.key, id, head: Box::new(head) });
    let mut task = Task {
        io,
        decoder: Decoder::new(hub.limits.message_bytes),
        socket,
        hub,
        port,
        incoming: VecDeque::new(),
        posts,
        writing: VecDeque::new(),
        flushed: true,
        sent_close: false,
        got_close: false,
        broken: false,
        deadline: None,
    };
    poll_fn(move |cx| task.poll(cx)).await;
}

/// Closes a socket that no object takes: nothing is sent but the close frame.
pub(crate) async fn refuse<T>(io: T, code: u16, reason: &str)
where
    T: AsyncRead + AsyncWrite + Unpin + Send,
{
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut io = io;
    let frame = codec::close(Some(code), reason);
    let answered = async {
        io.write_all(&frame).await?;
        io.flush().await?;
        // The peer's own close frame follows, or the end; both are awaited so that ours is not
        // lost to a reset.
        let mut decoder = Decoder::new(1024);
        let mut incoming = VecDeque::new();
        let mut buffer = [0; 512];
        loop {
            let read = io.read(&mut buffer).await?;
            let broken = decoder.push(&buffer[..read], &mut incoming).is_err();
            if read == 0 || broken || incoming.iter().any(|frame| matches!(frame, Incoming::Close(_))) {
                return io.shutdown().await;
            }
            incoming.clear();
        }
    };
    // Whether the peer says goodbye changes nothing.
    let _ = tokio::time::timeout(CLOSE_TIMEOUT, answered).await;
}

struct Task<T> {
    io: T,
    socket: Arc<Socket>,
    hub: Arc<Hub>,
    port: Arc<dyn ObjectPort>,
    decoder: Decoder,
    incoming: VecDeque<Incoming>,
    /// What the object must hear of and has no room for yet.
    posts: VecDeque<ToObject>,
    writing: VecDeque<Bytes>,
    flushed: bool,
    sent_close: bool,
    got_close: bool,
    /// The peer broke the protocol: what it still sends is thrown away.
    broken: bool,
    deadline: Option<Pin<Box<Sleep>>>,
}

impl<T: AsyncRead + AsyncWrite + Unpin> Task<T> {
    /// Runs the socket; ready when it is over and the object knows.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.socket.waker.register(cx.waker());
        if self.poll_io(cx).is_ready() {
            self.end(Close::dropped());
            // Nothing reads or writes any more; only the object must still be told.
            self.incoming.clear();
            self.got_close = true;
            self.sent_close = true;
            self.writing.clear();
            if self.deliver(cx).is_ready() {
                return Poll::Ready(());
            }
        }
        Poll::Pending
    }

    /// Ready when the connection is over, one way or the other.
    fn poll_io(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            if self.poll_write(cx).is_err() {
                return Poll::Ready(());
            }
            let delivered = self.deliver(cx).is_ready();
            if self.sent_close && self.got_close && self.writing.is_empty() {
                return match Pin::new(&mut self.io).poll_shutdown(cx) {
                    Poll::Ready(_) if delivered => Poll::Ready(()),
                    Poll::Ready(_) | Poll::Pending => Poll::Pending,
                };
            }
            if let Some(deadline) = &mut self.deadline
                && deadline.as_mut().poll(cx).is_ready()
            {
                return Poll::Ready(());
            }
            if !delivered {
                return Poll::Pending;
            }
            match self.poll_read(cx) {
                Poll::Ready(Ok(true)) => {}
                Poll::Ready(Ok(false) | Err(_)) => return Poll::Ready(()),
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// Writes what is queued; pending is fine, an error means that the peer is gone.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        loop {
            if self.writing.is_empty() {
                let mut shared = self.socket.shared.lock();
                let all = shared.outbox.take(&mut self.writing, WRITE_BYTES);
                if all
                    && !self.sent_close
                    && let Some(frame) = shared.outbox.close_frame()
                {
                    self.writing.push_back(frame);
                    self.sent_close = true;
                }
                let closing = shared.outbox.is_closing();
                drop(shared);
                if closing {
                    self.start_deadline();
                }
            }
            if self.writing.is_empty() {
                if !self.flushed
                    && let Poll::Ready(result) = Pin::new(&mut self.io).poll_flush(cx)
                {
                    result?;
                    self.flushed = true;
                }
                return Ok(());
            }
            self.flushed = false;
            let written = match self.writing.len() {
                1 => Pin::new(&mut self.io).poll_write(cx, &self.writing[0]),
                _ => {
                    let mut slices = [IoSlice::new(&[]); WRITE_FRAMES];
                    let mut count = 0;
                    for (slice, frame) in slices.iter_mut().zip(&self.writing) {
                        *slice = IoSlice::new(frame);
                        count += 1;
                    }
                    Pin::new(&mut self.io).poll_write_vectored(cx, &slices[..count])
                }
            };
            match written {
                Poll::Ready(Ok(0)) => return Err(io::ErrorKind::WriteZero.into()),
                Poll::Ready(Ok(written)) => self.advance(written),
                Poll::Ready(Err(error)) => return Err(error),
                Poll::Pending => {
                    // A peer that reads nothing must not keep a socket that is to be closed.
                    if self.socket.is_closing() {
                        self.start_deadline();
                    }
                    return Ok(());
                }
            }
        }
    }

    fn start_deadline(&mut self) {
        self.deadline.get_or_insert_with(|| Box::pin(tokio::time::sleep(CLOSE_TIMEOUT)));
    }

    fn advance(&mut self, mut written: usize) {
        while let Some(frame) = self.writing.front_mut() {
            if frame.len() > written {
                frame.advance(written);
                return;
            }
            written -= frame.len();
            self.writing.pop_front();
        }
    }

    /// Reads once; `false` at the end of the stream.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<bool>> {
        let mut space = [const { MaybeUninit::uninit() }; READ_BYTES];
        let mut buffer = ReadBuf::uninit(&mut space);
        match Pin::new(&mut self.io).poll_read(cx, &mut buffer) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(result) => result?,
        }
        if buffer.filled().is_empty() {
            return Poll::Ready(Ok(false));
        }
        for probe in std::mem::take(&mut self.socket.shared.lock().probes) {
            let _ = probe.send(());
        }
        if !self.broken
            && let Err(violation) = self.decoder.push(buffer.filled(), &mut self.incoming)
        {
            self.violated(&violation);
        }
        Poll::Ready(Ok(true))
    }

    fn violated(&mut self, violation: &Violation) {
        self.broken = true;
        let frame = codec::close(Some(violation.code), violation.reason);
        self.socket.shared.lock().outbox.close(frame);
        // What came whole before the violation is still handled, so the error goes behind it.
        let drained = self.drain_incoming();
        self.posts.extend(drained);
        self.posts
            .push_back(ToObject::Error { connection: self.socket.key, error: violation.reason.to_owned() });
        self.end(Close { code: violation.code, reason: violation.reason.to_owned(), was_clean: false });
    }

    fn drain_incoming(&mut self) -> Vec<ToObject> {
        let key = self.socket.key;
        let messages: Vec<_> = std::mem::take(&mut self.incoming)
            .into_iter()
            .filter_map(|incoming| match incoming {
                Incoming::Message(message) => Some(ToObject::Message { connection: key, message }),
                _ => None,
            })
            .collect();
        self.socket.in_flight.fetch_add(messages.len() as u32, Ordering::AcqRel);
        messages
    }

    /// Tells the object that the connection is over, once.
    fn end(&mut self, close: Close) {
        self.posts.extend(self.socket.end(&self.hub, close));
    }

    /// Hands what came in to the object; pending while it has no room or enough of ours to do.
    fn deliver(&mut self, cx: &Context<'_>) -> Poll<()> {
        loop {
            while let Some(message) = self.posts.pop_front() {
                match self.port.post(message, cx) {
                    Ok(()) => {}
                    Err(PostError::Full(message)) => {
                        self.posts.push_front(message);
                        return Poll::Pending;
                    }
                    Err(PostError::Retired(message)) => {
                        // Not while a socket is registered; and after that nobody needs to hear of it.
                        tracing::debug!(?message, "an object was retired before its socket was done");
                    }
                }
            }
            match self.incoming.front() {
                None => return Poll::Ready(()),
                Some(Incoming::Message(_)) if self.sent_close || self.socket.has_ended() => {
                    self.incoming.pop_front();
                }
                Some(Incoming::Message(_))
                    if self.socket.in_flight.load(Ordering::Acquire) >= self.hub.limits.in_flight =>
                {
                    return Poll::Pending;
                }
                Some(_) => self.take_incoming(),
            }
        }
    }

    fn take_incoming(&mut self) {
        match self.incoming.pop_front() {
            Some(Incoming::Message(message)) => {
                self.socket.in_flight.fetch_add(1, Ordering::AcqRel);
                self.posts.push_back(ToObject::Message { connection: self.socket.key, message });
            }
            Some(Incoming::Ping(payload)) => self.socket.send(codec::pong(&payload)),
            Some(Incoming::Close(frame)) => {
                self.got_close = true;
                let (answer, close) = match frame {
                    Some((code, reason)) => (codec::close(Some(code), &reason), Close::clean(code, reason)),
                    None => (codec::close(None, ""), Close::clean(1005, "")),
                };
                self.socket.close(answer);
                self.end(close);
            }
            Some(Incoming::Pong) | None => {}
        }
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        // A task that is dropped with its runtime leaves no entry behind.
        self.hub.remove(self.socket.key);
    }
}
