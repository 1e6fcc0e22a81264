//! The body of a request that comes in pieces: what came of it and was not read yet.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use parking_lot::{Mutex, MutexGuard};

use crate::gateway::{BodyFault, Hub, MemoryPermit, RequestKey, ToGateway};

/// What came of a body and was not read yet.
#[derive(Debug, Default)]
pub(crate) struct BodyBuffer(Mutex<Queue>);

#[derive(Debug, Default)]
struct Queue {
    pieces: VecDeque<(Bytes, MemoryPermit)>,
    end: Option<Result<(), BodyFault>>,
    reader: Option<Waker>,
    /// Nobody will read any more.
    dropped: bool,
}

impl BodyBuffer {
    pub(in crate::object) fn push(&self, piece: Bytes, held: MemoryPermit) {
        let mut queue = self.0.lock();
        if queue.dropped || queue.end.is_some() {
            return;
        }
        queue.pieces.push_back((piece, held));
        wake(queue);
    }

    /// Nothing more comes; only the first end counts.
    pub(in crate::object) fn end(&self, end: Result<(), BodyFault>) {
        let mut queue = self.0.lock();
        queue.end.get_or_insert(end);
        wake(queue);
    }
}

/// Wakes the reader, without the lock: its waker may be the user's.
fn wake(mut queue: MutexGuard<'_, Queue>) {
    let reader = queue.reader.take();
    drop(queue);
    if let Some(reader) = reader {
        reader.wake();
    }
}

/// A body that comes in pieces; the client sends on as they are read.
#[derive(Debug)]
pub(in crate::object) struct Pieces {
    pub(in crate::object) request: RequestKey,
    pub(in crate::object) hub: Arc<Hub>,
    pub(in crate::object) buffer: Arc<BodyBuffer>,
}

impl Pieces {
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyFault>>> {
        let mut queue = self.buffer.0.lock();
        let Some((piece, held)) = queue.pieces.pop_front() else {
            return match queue.end {
                Some(Ok(())) => Poll::Ready(None),
                Some(Err(fault)) => Poll::Ready(Some(Err(fault))),
                None => {
                    let before = queue.reader.replace(cx.waker().clone());
                    drop(queue);
                    drop(before);
                    Poll::Pending
                }
            };
        };
        drop((queue, held));
        // Past the output gate: it carries no data.
        let credit = ToGateway::BodyCredit { request: self.request, bytes: piece.len() as u64 };
        self.hub.apply(&mut [credit]);
        Poll::Ready(Some(Ok(piece)))
    }

    pub(super) fn is_over(&self) -> bool {
        let queue = self.buffer.0.lock();
        queue.pieces.is_empty() && matches!(queue.end, Some(Ok(())))
    }
}

impl Drop for Pieces {
    fn drop(&mut self) {
        let mut queue = self.buffer.0.lock();
        queue.dropped = true;
        let left = (std::mem::take(&mut queue.pieces), queue.reader.take());
        drop(queue);
        drop(left);
    }
}
