//! The read side of a socket.

use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, ReadBuf};

use crate::gateway::socket::codec::{self, Decoder, Incoming, Violation};
use crate::gateway::socket::task::{Peer, Task, Work};
use crate::gateway::{Close, FREE_BYTES, MemoryPermit, ToObject};
use crate::limits::Limit;
use crate::wire::close_code;

/// The maximum number of bytes of one read. The buffer is on the stack, so that an idle socket has none.
const READ_BYTES: usize = 16 * 1024;

impl Task {
    /// Reads once; returns `false` at the end of the stream.
    pub(super) fn poll_read(&mut self, work: &mut Work, cx: &mut Context<'_>) -> Poll<io::Result<bool>> {
        let mut space = [const { MaybeUninit::uninit() }; READ_BYTES];
        let mut buffer = ReadBuf::uninit(&mut space);
        match Pin::new(&mut self.io).poll_read(cx, &mut buffer) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(result) => result?,
        }
        if buffer.filled().is_empty() {
            return Poll::Ready(Ok(false));
        }
        self.received(work, buffer.filled());
        Poll::Ready(Ok(true))
    }

    /// Handles bytes from the peer.
    pub(super) fn received(&mut self, work: &mut Work, bytes: &[u8]) {
        let now = self.hub.gateway.heartbeat.now();
        self.end_pace();
        self.socket.record_byte(now);
        self.socket.answer_probes(true);
        if self.peer != Peer::Sound {
            return;
        }
        work.reading_since = None;
        let before = work.incoming.len();
        let decoded = work.decoder.push(bytes, &mut work.incoming);
        let new = work.incoming.iter().skip(before);
        let messages = new.filter(|incoming| matches!(incoming, Incoming::Message(_))).count();
        self.hub.count_in(messages);
        if messages > 0 {
            self.socket.record_message(now);
        }
        if messages > 0 && !work.growing.is_empty() {
            work.grown = std::mem::take(&mut work.growing);
        }
        if let Err(violation) = decoded {
            return self.violated(work, &violation);
        }
        let buffered = work.decoder.buffered();
        if buffered > FREE_BYTES && !work.growing.grow(&self.hub.gateway.incoming, buffered) {
            // Waiting would not help: all clients may be in the middle of a large message.
            self.hub.gateway.totals.limits.record(Limit::IncomingBytes);
            self.break_off(work, close_code::TRY_AGAIN_LATER, "server is busy");
        }
    }

    fn violated(&mut self, work: &mut Work, violation: &Violation) {
        if violation.code == close_code::TOO_LARGE {
            self.hub.gateway.totals.limits.record(Limit::MessageBytes);
        }
        // After the object has learned of the close, it keeps no state of the connection: messages after the
        // close frame have no receiver.
        if self.socket.has_ended() {
            work.incoming.clear();
            return self.break_off(work, violation.code, violation.reason);
        }
        // Complete messages before the violation are still handled, so the error comes after them.
        let key = self.socket.key;
        for incoming in std::mem::take(&mut work.incoming) {
            if let Incoming::Message(message) = incoming
                && !self.hub.answer(&self.socket, &message)
            {
                work.posts.push_back(self.socket.hand_over(message, MemoryPermit::default(), &self.hub));
            }
        }
        work.posts.push_back(ToObject::Error { connection: key, error: violation.reason.to_owned() });
        self.break_off(work, violation.code, violation.reason);
    }

    /// Closes the socket and ignores further data of its peer.
    pub(super) fn break_off(&mut self, work: &mut Work, code: u16, reason: &'static str) {
        self.peer = Peer::Broken;
        work.decoder = Decoder::new(self.hub.limits().message_bytes);
        work.growing = MemoryPermit::default();
        work.reading_since = None;
        self.socket.close(codec::close(Some(code), reason), &self.hub);
        self.end(work, Close { code, reason: reason.to_owned(), was_clean: false }, reason);
    }
}
