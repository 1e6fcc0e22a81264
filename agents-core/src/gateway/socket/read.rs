//! Reading: what the peer sends.

use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, ReadBuf};

use crate::gateway::codec::{self, Incoming, Violation};
use crate::gateway::socket::task::{Task, Work};
use crate::gateway::{Close, ToObject};

/// What one read takes at most; the buffer is on the stack, so that an idle socket has none.
const READ_BYTES: usize = 16 * 1024;

impl Task {
    /// Reads once; `false` at the end of the stream.
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

    /// Takes bytes from the peer.
    pub(super) fn received(&mut self, work: &mut Work, bytes: &[u8]) {
        self.socket.heard(self.hub.gateway.heartbeat.now());
        self.socket.answer_probes(true);
        if self.broken {
            return;
        }
        let before = work.incoming.len();
        let decoded = work.decoder.push(bytes, &mut work.incoming);
        let new = work.incoming.iter().skip(before);
        self.hub.count_in(new.filter(|incoming| matches!(incoming, Incoming::Message(_))).count());
        if let Err(violation) = decoded {
            self.violated(work, &violation);
        }
    }

    fn violated(&mut self, work: &mut Work, violation: &Violation) {
        self.broken = true;
        // What came whole before the violation is still handled, so the error goes behind it.
        let key = self.socket.key;
        for incoming in std::mem::take(&mut work.incoming) {
            if let Incoming::Message(message) = incoming
                && !self.hub.answer(&self.socket, &message)
            {
                self.socket.in_flight.fetch_add(1, Ordering::AcqRel);
                work.posts.push_back(ToObject::Message { connection: key, message });
            }
        }
        self.socket.close(codec::close(Some(violation.code), violation.reason));
        work.posts.push_back(ToObject::Error { connection: key, error: violation.reason.to_owned() });
        let reason = violation.reason.to_owned();
        self.end(work, Close { code: violation.code, reason, was_clean: false });
    }
}
