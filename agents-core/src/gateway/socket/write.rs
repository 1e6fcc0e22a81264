//! The write side of a socket.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use tokio::io::AsyncWrite;
use tokio::time::Instant;

use crate::gateway::socket::answer_room;
use crate::gateway::socket::task::{Task, Work};

/// The number of bytes that are moved from the outbox at a time.
const WRITE_BYTES: usize = 256 * 1024;
/// The maximum number of frames in one system call.
const WRITE_FRAMES: usize = 32;

impl Task {
    /// Writes the queued frames; returns an error when the peer is gone, and `Ok` when the stream is not
    /// ready.
    pub(super) fn poll_write(&mut self, work: &mut Work, cx: &mut Context<'_>) -> io::Result<()> {
        loop {
            if work.writing.is_empty() {
                self.take(work);
            }
            if work.writing.is_empty() {
                work.writing_since = None;
                if !self.flushed
                    && let Poll::Ready(result) = Pin::new(&mut self.io).poll_flush(cx)
                {
                    result?;
                    self.flushed = true;
                }
                return Ok(());
            }
            self.flushed = false;
            let written = match work.writing.len() {
                1 => Pin::new(&mut self.io).poll_write(cx, &work.writing[0]),
                _ => {
                    let mut slices = [IoSlice::new(&[]); WRITE_FRAMES];
                    let mut count = 0;
                    for (slice, frame) in slices.iter_mut().zip(&work.writing) {
                        *slice = IoSlice::new(frame);
                        count += 1;
                    }
                    Pin::new(&mut self.io).poll_write_vectored(cx, &slices[..count])
                }
            };
            match written {
                Poll::Ready(Ok(0)) => return Err(io::ErrorKind::WriteZero.into()),
                Poll::Ready(Ok(written)) => {
                    work.writing_since = None;
                    advance(&mut work.writing, written);
                }
                Poll::Ready(Err(error)) => return Err(error),
                Poll::Pending => {
                    work.writing_since.get_or_insert_with(Instant::now);
                    // A peer that reads nothing must not keep a closing socket open.
                    if self.socket.is_closing() {
                        self.start_deadline();
                    }
                    return Ok(());
                }
            }
        }
    }

    /// Moves frames from the outbox to `work`, with the close frame as the last one.
    fn take(&mut self, work: &mut Work) {
        let mut shared = self.socket.shared.lock();
        let all = shared.outbox.take(&mut work.writing, WRITE_BYTES);
        if all
            && !self.sent_close
            && let Some(frame) = shared.outbox.close_frame()
        {
            work.writing.push_back(frame);
            self.sent_close = true;
        }
        let closing = shared.outbox.is_closing();
        shared.count_queue(&self.hub.gateway.outgoing);
        answer_room(shared, &self.hub);
        if closing {
            self.start_deadline();
        }
    }
}

fn advance(frames: &mut VecDeque<Bytes>, mut written: usize) {
    while let Some(frame) = frames.front_mut() {
        if frame.len() > written {
            frame.advance(written);
            return;
        }
        written -= frame.len();
        frames.pop_front();
    }
}
