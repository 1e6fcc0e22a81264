//! The task of a socket: what it does, and what it hands to the object.

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
use crate::gateway::socket::byte_stream::Io;
use crate::gateway::socket::codec::{self, Decoder, Incoming};
use crate::gateway::socket::{Socket, Stream};
use crate::gateway::{
    Close, ConnectionSlot, Counted, FREE_BYTES, MemoryPermit, ObjectPort, PostError, ToObject,
};
use crate::limits::Limit;
use crate::sampled::sampled;
use crate::wire::close_code;

/// How often a socket reads before others get their turn.
const READS: usize = 16;
/// How long a peer may take to answer a close frame.
pub(super) const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// Serves a socket; ready when it is over and the object knows.
pub(crate) struct Task {
    pub(super) io: Io,
    pub(in crate::gateway) socket: Arc<Socket>,
    pub(super) hub: Arc<Hub>,
    port: Arc<dyn ObjectPort>,
    /// The address that this socket's place counts for; the place is given back with the task.
    address: Counted,
    /// What is under way; nothing in an idle socket.
    work: Option<Box<Work>>,
    pub(super) deadline: Option<Pin<Box<Sleep>>>,
    pub(super) flushed: bool,
    pub(super) sent_close: bool,
    got_close: bool,
    /// How many messages could pass when the peer was last heard.
    pub(super) tokens: f32,
    pub(super) peer: Peer,
}

/// The peer of a socket, as far as it keeps to the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Peer {
    Sound,
    /// It broke the protocol: what it still sends is thrown away.
    Broken,
    /// It broke the protocol, and knows that nothing more comes.
    Left,
}

/// What a socket needs while something is under way.
pub(super) struct Work {
    pub(super) decoder: Decoder,
    pub(super) incoming: VecDeque<Incoming>,
    /// What the object must hear of and has no room for yet.
    pub(super) posts: VecDeque<ToObject>,
    pub(super) writing: VecDeque<Bytes>,
    /// The memory of a large message that is under way, and of one that has come whole.
    pub(super) growing: MemoryPermit,
    pub(super) grown: MemoryPermit,
    /// A limit that the next message waits for was counted.
    waits: bool,
    /// Since when the peer has sent nothing of a message that it began.
    pub(super) reading_since: Option<Instant>,
    /// Since when the peer has taken nothing of what waits for it.
    pub(super) writing_since: Option<Instant>,
    /// When the next message may pass, if they come too fast.
    pub(super) resume: Option<Instant>,
    /// Goes off at the first of what these lead to, or earlier.
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
        place: ConnectionSlot,
    ) -> Self {
        let mut task = Self {
            io: stream.io,
            socket,
            hub,
            port,
            address: place.keep(),
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
            self.end(work, Close::dropped());
            // Nothing reads or writes any more; only the object must still be told.
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

    /// Ready when the connection is over, one way or the other.
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
            // The close frame of a peer that broke the protocol is not looked for in what it still sends, so the end of the
            // stream says that ours was the last. What still comes is read, so that no reset overtakes our frame.
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
                // It is us who do not read on.
                work.reading_since = None;
                return Poll::Pending;
            }
            if reads == READS {
                // There may be more, but others want to read as well.
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            reads += 1;
            match self.poll_read(work, cx) {
                Poll::Ready(Ok(true)) => {}
                Poll::Ready(Ok(false) | Err(_)) => return Poll::Ready(()),
                // Only here, when nothing is left to read: what the peer sent while the object had no
                // room counts as well.
                Poll::Pending
                    if self.socket.given_up.load(Ordering::Relaxed) && coop::has_budget_remaining() =>
                {
                    sampled!(DEBUG, "silent peers", connection = ?self.socket.key, "a peer shows no sign of life");
                    self.hub.gateway.totals.limits.record(Limit::HeartbeatTimeout);
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

    /// Tells the object that the connection is over, once.
    pub(super) fn end(&self, work: &mut Work, close: Close) {
        work.posts.extend(self.socket.end(&self.hub, close));
    }

    /// Hands what came in to the object; pending while it has no room or enough of ours to do.
    fn deliver(&mut self, work: &mut Work, cx: &Context<'_>) -> Poll<()> {
        loop {
            while let Some(message) = work.posts.pop_front() {
                let close = is_close(&message);
                if matches!(message, ToObject::Connect { .. }) {
                    // Before it, so that an object which fails at once knows whom it was to let in.
                    self.socket.asks();
                }
                match self.port.post(message, cx) {
                    Ok(()) if close => self.hub.close_delivered(),
                    Ok(()) => {}
                    Err(PostError::Full(message, _)) => {
                        work.posts.push_front(message);
                        return Poll::Pending;
                    }
                    Err(PostError::Retired(message)) => {
                        // Not while a socket is registered, or has an end to tell of.
                        tracing::error!(?message, "an object was retired before its socket was done");
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
                let mut held = MemoryPermit::default();
                if message.len() > FREE_BYTES {
                    held = std::mem::take(&mut work.grown);
                    // Its object will have the message and what it reads of it at the same time.
                    if !held.grow(&self.hub.gateway.incoming, message.bytes_as_value()) {
                        self.hub.gateway.totals.limits.record(Limit::IncomingBytes);
                        return self.break_off(work, close_code::TRY_AGAIN_LATER, "server is busy");
                    }
                }
                work.posts.push_back(self.socket.hand_over(message, held, &self.hub));
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
                self.socket.close(answer);
                self.end(work, close);
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
        // A task that is dropped with its runtime leaves no entry behind.
        self.hub.remove(self.socket.key);
        self.hub.gateway.places.give_back(self.address.take());
        let posts = self.work.iter().flat_map(|work| &work.posts);
        posts.filter(|message| is_close(message)).for_each(|_| self.hub.close_delivered());
    }
}

impl fmt::Debug for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task").field("socket", &self.socket).finish_non_exhaustive()
    }
}
