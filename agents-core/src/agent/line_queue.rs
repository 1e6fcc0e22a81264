//! The lines of a streamed answer to another agent, until its reader takes them.

use std::collections::VecDeque;
use std::task::{Context, Poll};

use futures_util::task::AtomicWaker;
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use crate::agent::line::Line;

/// How many pieces of a streamed answer may wait; one more ends it.
pub(super) const WAITING_LINES: usize = 4_096;

/// Lines that wait for their reader, in order.
///
/// Its reader is a body that the object's own task polls, behind the turn that added the lines: until
/// that turn is over they can be taken back.
#[derive(Debug, Default)]
pub(super) struct LineQueue {
    waiting: Mutex<VecDeque<Line>>,
    reader: AtomicWaker,
    closed: CancellationToken,
}

impl LineQueue {
    /// Adds a line; `false` when as many wait as may. To a reader that is gone nothing is added.
    pub(super) fn push(&self, line: Line) -> bool {
        if self.is_closed() {
            return true;
        }
        let mut waiting = self.waiting.lock();
        if waiting.len() >= WAITING_LINES {
            return false;
        }
        waiting.push_back(line);
        drop(waiting);
        self.reader.wake();
        true
    }

    /// Returns how many lines wait.
    pub(super) fn len(&self) -> usize {
        self.waiting.lock().len()
    }

    /// Takes the last lines back until so many wait.
    pub(super) fn truncate(&self, count: usize) {
        self.waiting.lock().truncate(count);
    }

    /// Takes the next line.
    pub(super) fn poll_next(&self, cx: &Context<'_>) -> Poll<Line> {
        self.reader.register(cx.waker());
        self.waiting.lock().pop_front().map_or(Poll::Pending, Poll::Ready)
    }

    /// Closes the queue: its reader is gone.
    pub(super) fn close(&self) {
        self.closed.cancel();
        self.waiting.lock().clear();
    }

    /// Returns whether the reader is gone.
    pub(super) fn is_closed(&self) -> bool {
        self.closed.is_cancelled()
    }

    /// Waits until the reader is gone.
    pub(super) async fn until_closed(&self) {
        self.closed.cancelled().await;
    }
}
