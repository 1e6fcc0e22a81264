//! The task of a socket: it reads, writes, and hands messages to the object.

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::AsyncWrite;
use tokio::task::coop;
use tokio::time::{Instant, Sleep};

use crate::gateway::hub::Hub;
use crate::gateway::quota::memory_budget::message_as_value;
use crate::gateway::socket::byte_stream::Io;
use crate::gateway::socket::codec::{self, Decoder, Incoming};
use crate::gateway::socket::events;
use crate::gateway::socket::{Socket, Stream};
use crate::gateway::{
    Close, ConnectionSlot, Counted, FREE_BYTES, MemoryPermit, ObjectPort, PostError, ToObject,
};
use crate::limits::Limit;
use crate::wire::close_code;

/// The number of reads of a socket before other tasks run.
const READS: usize = 16;
/// The time in which a peer must answer a close frame.
pub(super) const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// A task that serves a socket; it completes when the socket is over and the close is posted to the object.
pub(crate) struct Task {
    pub(super) io: Io,
    pub(in crate::gateway) socket: Arc<Socket>,
    pub(super) hub: Arc<Hub>,
    port: Arc<dyn ObjectPort>,
    /// The address that the slot of this socket counts for; the slot is released with the task.
    address: Counted,
    /// The state of unfinished work; `None` for an idle socket.
    work: Option<Box<Work>>,
    pub(super) deadline: Option<Pin<Box<Sleep>>>,
    pub(super) flushed: bool,
    pub(super) sent_close: bool,
    got_close: bool,
    /// The number of messages that could pass when bytes last came from the peer.
    pub(super) tokens: f32,
    pub(super) peer: Peer,
}

/// The state of the peer with respect to the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Peer {
    Sound,
    /// The peer violated the protocol: the data that it still sends is dropped.
    Broken,
    /// The peer violated the protocol, and our side of the stream is shut down.
    Left,
}

/// The state of a socket while work is unfinished.
pub(super) struct Work {
    pub(super) decoder: Decoder,
    pub(super) incoming: VecDeque<Incoming>,
    /// The messages for the object that did not fit into its mailbox yet.
    pub(super) posts: VecDeque<ToObject>,
    pub(super) writing: VecDeque<Bytes>,
    /// The memory of a large message that is incomplete; `grown` is the memory of a complete one.
    pub(super) growing: MemoryPermit,
    pub(super) grown: MemoryPermit,
    /// `true` if the limit that the next message waits for was counted.
    waits: bool,
    /// The time since which the peer has sent no byte of an incomplete message.
    pub(super) reading_since: Option<Instant>,
    /// The time since which the peer has received no byte of the waiting frames.
    pub(super) writing_since: Option<Instant>,
    /// The time at which the next message may pass, if messages come too fast.
    pub(super) resume: Option<Instant>,
    /// A timer that fires at the first of these deadlines, or earlier.
    pub(super) timer: Option<Pin<Box<Sleep>>>,
}

impl Work {
    fn new(message_bytes: usize) -> Self {
        Self {
            decoder: Decoder::new(message_bytes),
            incoming: VecDeque::new(),
            posts: VecDeque::new(),
            writing: VecDeque::new(),
            growing: MemoryPermit::default(),
            grown: MemoryPermit::default(),
            waits: false,
            reading_since: None,
            writing_since: None,
            resume: None,
            timer: None,
        }
    }

    fn is_done(&self) -> bool {
        self.decoder.is_idle() && self.incoming.is_empty() && self.posts.is_empty() && self.writing.is_empty()
    }
}

impl Task {
    pub(super) fn new(
        stream: Stream,
        socket: Arc<Socket>,
        hub: Arc<Hub>,
        port: Arc<dyn ObjectPort>,
        connect: ToObject,
        slot: ConnectionSlot,
    ) -> Self {
        let mut task = Self {
            io: stream.io,
            socket,
            hub,
            port,
            address: slot.keep(),
            work: None,
            deadline: None,
            flushed: true,
            sent_close: false,
            got_close: false,
            tokens: 0.0,
            peer: Peer::Sound,
        };
        task.tokens = task.hub.limits().messages_per_second.map_or(0.0, |rate| rate.at_once() as f32);
        let mut work = Box::new(Work::new(task.hub.limits().message_bytes));
        work.posts.push_back(connect);
        if !stream.early.is_empty() {
            task.received(&mut work, &stream.early);
        }
        task.work = Some(work);
        task
    }

    fn poll_with(&mut self, work: &mut Work, cx: &mut Context<'_>) -> Poll<()> {
        self.socket.waker.register(cx.waker());
        if self.poll_io(work, cx).is_ready() || self.poll_overdue(work, cx).is_ready() {
            self.end(work, Close::dropped(), self.cause_or("network"));
            // Reading and writing have ended; only the close must still be posted to the object.
            work.incoming.clear();
            self.got_close = true;
            self.sent_close = true;
            work.writing.clear();
            if self.deliver(work, cx).is_ready() {
                return Poll::Ready(());
            }
        }
        Poll::Pending
    }

    /// Serves the stream; ready when the connection is over, by a close or an error.
    fn poll_io(&mut self, work: &mut Work, cx: &mut Context<'_>) -> Poll<()> {
        let mut reads = 0;
        loop {
            if self.poll_write(work, cx).is_err() {
                return Poll::Ready(());
            }
            let delivered = self.deliver(work, cx).is_ready();
            if self.sent_close && self.got_close && work.writing.is_empty() {
                return match Pin::new(&mut self.io).poll_shutdown(cx) {
                    Poll::Ready(_) if delivered => Poll::Ready(()),
                    Poll::Ready(_) | Poll::Pending => Poll::Pending,
                };
            }
            // The close frame of a peer that violated the protocol is not searched in its further data, so
            // the end of the stream marks ours as the last frame. Further data is read, so that no reset
            // overtakes our frame.
            if self.peer == Peer::Broken && self.sent_close && work.writing.is_empty() {
                match Pin::new(&mut self.io).poll_shutdown(cx) {
                    Poll::Ready(Ok(())) => self.peer = Peer::Left,
                    Poll::Ready(Err(_)) => return Poll::Ready(()),
                    Poll::Pending => {}
                }
            }
            if let Some(deadline) = &mut self.deadline
                && deadline.as_mut().poll(cx).is_ready()
            {
                return Poll::Ready(());
            }
            if !delivered {
                // The delay is ours: we do not read on.
                work.reading_since = None;
                return Poll::Pending;
            }
            if reads == READS {
                // More data may be waiting, but other tasks have to run.
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            reads += 1;
            match self.poll_read(work, cx) {
                Poll::Ready(Ok(true)) => {}
                Poll::Ready(Ok(false) | Err(_)) => return Poll::Ready(()),
                // The check is only here, after all data was read: data that the peer sent while the mailbox
                // was full counts too.
                Poll::Pending
                    if self.socket.given_up.load(Ordering::Relaxed) && coop::has_budget_remaining() =>
                {
                    self.hub.gateway.totals.limits.record(Limit::HeartbeatTimeout);
                    self.end(work, Close::dropped(), "heartbeat");
                    return Poll::Ready(());
                }
                Poll::Pending => {
                    if !work.decoder.is_idle() {
                        work.reading_since.get_or_insert_with(Instant::now);
                    }
                    return Poll::Pending;
                }
            }
        }
    }

    pub(super) fn start_deadline(&mut self) {
        self.deadline.get_or_insert_with(|| Box::pin(tokio::time::sleep(CLOSE_TIMEOUT)));
    }

    /// Returns the cause of a close for the log: the server if it has begun to close, and the other one if not.
    fn cause_or(&self, other: &'static str) -> &'static str {
        if self.socket.stayed_behind.load(Ordering::Relaxed) {
            "too slow"
        } else if self.socket.is_closing() {
            "server"
        } else {
            other
        }
    }

    /// Queues the close of the connection for the object, once.
    pub(super) fn end(&self, work: &mut Work, close: Close, cause: &str) {
        let code = close.code;
        if let Some(message) = self.socket.end(&self.hub, close) {
            events::closed(&*self.port, &self.socket, code, cause);
            work.posts.push_back(message);
        }
    }

    /// Hands the received items on; pending while the mailbox is full or a limit is reached.
    fn deliver(&mut self, work: &mut Work, cx: &Context<'_>) -> Poll<()> {
        loop {
            while let Some(message) = work.posts.pop_front() {
                let close = is_close(&message);
                if matches!(message, ToObject::Connect { .. }) {
                    // The flag is set before the post, so that an object that fails at once finds the
                    // connection in `Hub::asking`.
                    self.socket.record_connect();
                }
                match self.port.post(message, cx) {
                    Ok(()) if close => self.hub.close_delivered(),
                    Ok(()) => {}
                    Err(PostError::Full(message, _)) => {
                        work.posts.push_front(message);
                        return Poll::Pending;
                    }
                    Err(PostError::Retired(message)) => {
                        // This cannot happen while a socket is registered or has a pending close.
                        let ((class, name), event) = (self.port.address(), message.kind());
                        tracing::error!(
                            class,
                            name,
                            event,
                            "an object was retired before its socket had ended"
                        );
                    }
                }
            }
            match work.incoming.front() {
                None => return Poll::Ready(()),
                Some(Incoming::Message(_)) if self.sent_close || self.socket.has_ended() => {
                    work.incoming.pop_front();
                }
                Some(Incoming::Message(_)) if !self.is_in_pace(&mut work.resume) => return Poll::Pending,
                Some(Incoming::Message(message)) if self.hub.answer(&self.socket, message) => {
                    work.incoming.pop_front();
                    self.passes();
                }
                Some(Incoming::Message(message)) => match self.socket.has_room(message.len(), &self.hub) {
                    Ok(()) => {
                        work.waits = false;
                        self.passes();
                        self.take_incoming(work);
                    }
                    Err(limit) => {
                        if !std::mem::replace(&mut work.waits, true) {
                            self.hub.gateway.totals.limits.record(limit);
                        }
                        return Poll::Pending;
                    }
                },
                Some(_) => self.take_incoming(work),
            }
        }
    }

    fn take_incoming(&mut self, work: &mut Work) {
        match work.incoming.pop_front() {
            Some(Incoming::Message(message)) => {
                let mut permit = MemoryPermit::default();
                if message.len() > FREE_BYTES {
                    permit = std::mem::take(&mut work.grown);
                    // The object holds the message and its decoded value at the same time.
                    if !permit.grow(&self.hub.gateway.incoming, message_as_value(&message)) {
                        self.hub.gateway.totals.limits.record(Limit::IncomingBytes);
                        return self.break_off(work, close_code::TRY_AGAIN_LATER, "server is busy");
                    }
                }
                work.posts.push_back(self.socket.hand_over(message, permit, &self.hub));
            }
            Some(Incoming::Ping(payload)) => {
                self.socket.pong(codec::pong(&payload), &self.hub);
            }
            Some(Incoming::Close(frame)) => {
                self.got_close = true;
                let (answer, close) = match frame {
                    Some((code, reason)) => (codec::close(Some(code), &reason), Close::clean(code, reason)),
                    None => (codec::close(None, ""), Close::clean(close_code::NO_CODE, "")),
                };
                let cause = self.cause_or("client");
                self.socket.close(answer, &self.hub);
                self.end(work, close, cause);
            }
            Some(Incoming::Pong) | None => {}
        }
    }
}

impl Future for Task {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let task = self.get_mut();
        if let Some(mut work) = task.work.take() {
            let polled = task.poll_with(&mut work, cx);
            task.work = Some(work).filter(|work| !work.is_done());
            return polled;
        }
        let mut work = Work::new(task.hub.limits().message_bytes);
        let polled = task.poll_with(&mut work, cx);
        task.work = (!work.is_done()).then(|| Box::new(work));
        polled
    }
}

fn is_close(message: &ToObject) -> bool {
    matches!(message, ToObject::Close { .. })
}

impl Drop for Task {
    fn drop(&mut self) {
        // A task that is dropped with its runtime leaves no entry in the hub.
        self.hub.remove(self.socket.key);
        self.hub.gateway.connection_slots.give_back(self.address.take());
        let posts = self.work.iter().flat_map(|work| &work.posts);
        posts.filter(|message| is_close(message)).for_each(|_| self.hub.close_delivered());
    }
}

impl fmt::Debug for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task").field("socket", &self.socket).finish_non_exhaustive()
    }
}
