//! Lines of a streamed reply that wait for their reader.

use std::collections::VecDeque;
use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::agent::peer_calls::reply_frame::ReplyFrame;
use crate::gateway::{BEHIND_BYTES, Budget, FRAME_BYTES, FREE_BYTES, MemoryPermit};

/// Makes the two ends of a backlog that holds about `limit` bytes, which count in a budget.
pub(in crate::agent) fn backlog(limit: usize, budget: Arc<Budget>) -> (LineSender, LineReceiver) {
    let shared = Arc::new(Shared {
        limit,
        budget,
        queue: Mutex::default(),
        room: Notify::new(),
        gone: CancellationToken::new(),
    });
    (LineSender(shared.clone()), LineReceiver(shared))
}

#[derive(Debug)]
struct Shared {
    limit: usize,
    budget: Arc<Budget>,
    queue: Mutex<Queue>,
    /// Notified when more lines fit again.
    room: Notify,
    /// Cancelled when the reader is dropped.
    gone: CancellationToken,
}

#[derive(Debug, Default)]
struct Queue {
    lines: VecDeque<(ReplyFrame, usize)>,
    bytes: usize,
    /// The permit for `bytes` in the budget.
    permit: MemoryPermit,
    reader: Option<Waker>,
}

impl Queue {
    fn count(&mut self, bytes: usize, budget: &Arc<Budget>) {
        self.bytes = bytes;
        // A small backlog does not need a permit.
        if bytes > FREE_BYTES || !self.permit.is_empty() {
            self.permit.resize(budget, if bytes > FREE_BYTES { bytes } else { 0 });
        }
    }
}

/// The writing end of a backlog.
#[derive(Debug)]
pub(crate) struct LineSender(Arc<Shared>);

/// The reading end of a backlog.
#[derive(Debug)]
pub(in crate::agent) struct LineReceiver(Arc<Shared>);

/// The error when a line exceeds the limit or the budget.
#[derive(Debug)]
pub(in crate::agent) struct Overflow;

impl LineSender {
    /// Adds an item; an empty backlog accepts an item of any size.
    pub(in crate::agent) fn item(&self, line: ReplyFrame, len: usize) -> Result<(), Overflow> {
        let bytes = len + FRAME_BYTES;
        let full = |queue: &Queue| {
            let sum = queue.bytes.saturating_add(bytes);
            queue.bytes > 0 && (sum > self.0.limit || (sum > FREE_BYTES && self.0.budget.is_used_up()))
        };
        self.add(line, bytes, full)
    }

    /// Adds the last line, which is never refused.
    pub(in crate::agent) fn last(&self, line: ReplyFrame) {
        let _ = self.add(line, FRAME_BYTES, |_| false);
    }

    fn add(&self, line: ReplyFrame, bytes: usize, full: impl FnOnce(&Queue) -> bool) -> Result<(), Overflow> {
        // A line after the reader is dropped is not an error.
        if self.is_closed() {
            return Ok(());
        }
        let mut queue = self.0.queue.lock();
        if full(&queue) {
            return Err(Overflow);
        }
        let sum = queue.bytes + bytes;
        queue.count(sum, &self.0.budget);
        queue.lines.push_back((line, bytes));
        let reader = queue.reader.take();
        drop(queue);
        reader.into_iter().for_each(Waker::wake);
        Ok(())
    }

    /// Returns the number of lines that wait.
    pub(in crate::agent) fn len(&self) -> usize {
        self.0.queue.lock().lines.len()
    }

    /// Removes the last lines until `count` are left. A turn that was undone added these lines, and the
    /// reader takes none of them before the turn ends.
    pub(in crate::agent) fn take_back(&self, count: usize) {
        let mut queue = self.0.queue.lock();
        let from = count.min(queue.lines.len());
        let undone: usize = queue.lines.drain(from..).map(|(_, bytes)| bytes).sum();
        let (before, sum) = (queue.bytes, queue.bytes - undone);
        queue.count(sum, &self.0.budget);
        drop(queue);
        if before > BEHIND_BYTES && sum <= BEHIND_BYTES {
            self.0.room.notify_waiters();
        }
    }

    /// Returns whether a writer should wait for the reader.
    pub(in crate::agent) fn is_ahead(&self) -> bool {
        self.0.queue.lock().bytes > BEHIND_BYTES
    }

    /// Waits until the reader has taken nearly all lines.
    pub(in crate::agent) async fn until_room(&self) {
        loop {
            let room = self.0.room.notified();
            if !self.is_ahead() {
                return;
            }
            room.await;
        }
    }

    pub(in crate::agent) fn is_closed(&self) -> bool {
        self.0.gone.is_cancelled()
    }

    /// Waits until the reader is dropped.
    pub(in crate::agent) async fn closed(&self) {
        self.0.gone.cancelled().await;
    }
}

impl LineReceiver {
    /// Takes the next line; if there is none, a later line wakes the task.
    pub(in crate::agent) fn poll_next(&self, cx: &Context<'_>) -> Poll<ReplyFrame> {
        let mut queue = self.0.queue.lock();
        let Some((line, bytes)) = queue.lines.pop_front() else {
            queue.reader = Some(cx.waker().clone());
            return Poll::Pending;
        };
        let before = queue.bytes;
        queue.count(before - bytes, &self.0.budget);
        let has_room = before > BEHIND_BYTES && queue.bytes <= BEHIND_BYTES;
        drop(queue);
        if has_room {
            self.0.room.notify_waiters();
        }
        Poll::Ready(line)
    }

    pub(in crate::agent) fn is_empty(&self) -> bool {
        self.0.queue.lock().lines.is_empty()
    }
}

impl Drop for LineReceiver {
    fn drop(&mut self) {
        self.0.gone.cancel();
        let lines = mem::take(&mut *self.0.queue.lock());
        drop(lines);
        self.0.room.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    const LIMIT: usize = 4 * BEHIND_BYTES;

    fn item(sender: &LineSender, len: usize) -> Result<(), Overflow> {
        sender.item(ReplyFrame::result(None).unwrap(), len)
    }

    #[test]
    fn lines_count_until_they_are_read() {
        let cx = Context::from_waker(Waker::noop());
        let budget = Budget::new(usize::MAX);
        let (sender, receiver) = backlog(LIMIT, budget.clone());
        assert!(item(&sender, 2 * LIMIT).is_ok(), "an empty backlog accepts any size");
        assert!(item(&sender, 1).is_err());
        assert_eq!(budget.used(), 2 * LIMIT + FRAME_BYTES);
        sender.last(ReplyFrame::result(None).unwrap());
        assert!(sender.until_room().now_or_never().is_none());
        assert!(receiver.poll_next(&cx).is_ready() && !receiver.is_empty());
        assert!(sender.until_room().now_or_never().is_some() && item(&sender, BEHIND_BYTES).is_ok());
        assert!(receiver.poll_next(&cx).is_ready() && receiver.poll_next(&cx).is_ready());
        assert!(receiver.poll_next(&cx).is_pending() && receiver.is_empty());
        assert_eq!(budget.used(), 0);
    }

    #[tokio::test]
    async fn lines_that_are_taken_back_count_no_more() {
        let cx = Context::from_waker(Waker::noop());
        let budget = Budget::new(usize::MAX);
        let (sender, receiver) = backlog(LIMIT, budget.clone());
        sender.item(ReplyFrame::item("1".to_owned()).unwrap(), 1).unwrap();
        let count = sender.len();
        item(&sender, LIMIT / 2).unwrap();
        sender.last(ReplyFrame::result(None).unwrap());
        assert!(sender.is_ahead() && budget.used() > 0);
        sender.take_back(count);
        assert!(!sender.is_ahead() && budget.used() == 0);
        assert!(matches!(receiver.poll_next(&cx), Poll::Ready(ReplyFrame::Item(_))));
        assert!(receiver.poll_next(&cx).is_pending());
    }

    #[tokio::test]
    async fn a_writer_waits_for_the_reader_or_its_end() {
        let cx = Context::from_waker(Waker::noop());
        let (sender, receiver) = backlog(LIMIT, Budget::new(usize::MAX));
        item(&sender, BEHIND_BYTES).unwrap();
        item(&sender, 1).unwrap();
        let waits = tokio::spawn(async move {
            sender.until_room().await;
            item(&sender, 2 * BEHIND_BYTES).unwrap();
            sender.until_room().await;
            sender
        });
        tokio::task::yield_now().await;
        assert!(receiver.poll_next(&cx).is_ready());
        while receiver.0.queue.lock().lines.len() < 2 {
            tokio::task::yield_now().await;
        }
        drop(receiver);
        let sender = waits.await.unwrap();
        assert!(sender.is_closed() && sender.closed().now_or_never().is_some());
        assert!(item(&sender, 2 * LIMIT).is_ok() && item(&sender, 2 * LIMIT).is_ok(), "the reader is gone");
    }
}
