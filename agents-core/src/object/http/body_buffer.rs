//! The body of a request that comes in pieces: what came of it and was not read yet.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use parking_lot::{Mutex, MutexGuard};

use crate::gateway::{BodyFault, Budget, FREE_BYTES, MemoryPermit, RequestKey, ToGateway, ValueBytes};
use crate::limits::Limit;
use crate::object::ObjectHandle;

/// The received parts of a body that were not read yet.
#[derive(Debug, Default)]
pub(crate) struct BodyBuffer(Mutex<Queue>);

#[derive(Debug, Default)]
struct Queue {
    pieces: VecDeque<(Bytes, MemoryPermit)>,
    end: Option<Result<(), BodyFault>>,
    reader: Option<Waker>,
    /// `true` if the reader was dropped.
    dropped: bool,
}

impl BodyBuffer {
    pub(in crate::object) fn push(&self, piece: Bytes, permit: MemoryPermit) {
        let mut queue = self.0.lock();
        if queue.dropped || queue.end.is_some() {
            return;
        }
        queue.pieces.push_back((piece, permit));
        wake(queue);
    }

    /// Ends the body; only the first end counts.
    pub(in crate::object) fn end(&self, end: Result<(), BodyFault>) {
        let mut queue = self.0.lock();
        queue.end.get_or_insert(end);
        wake(queue);
    }
}

/// Wakes the reader after the lock is released: its waker may be user code.
fn wake(mut queue: MutexGuard<'_, Queue>) {
    let reader = queue.reader.take();
    drop(queue);
    if let Some(reader) = reader {
        reader.wake();
    }
}

/// The share of the memory for clients that a body has once its handler reads it.
#[derive(Debug)]
pub(crate) struct Collected {
    budget: Arc<Budget>,
    share: Mutex<Share>,
}

#[derive(Debug, Default)]
struct Share {
    permit: MemoryPermit,
    /// The bytes of the pieces that the handler still has.
    kept: usize,
    /// The body has come to its end and the handler has kept it: what it becomes counts until the request is over.
    whole: bool,
}

impl Collected {
    pub(in crate::object) fn new(budget: &Arc<Budget>) -> Arc<Self> {
        Arc::new(Self { budget: budget.clone(), share: Mutex::default() })
    }

    fn is_kept(&self) -> bool {
        self.share.lock().kept > FREE_BYTES
    }

    fn resize(&self, change: impl FnOnce(usize) -> usize) {
        let mut share = self.share.lock();
        let Share { permit, kept, whole } = &mut *share;
        *kept = change(*kept);
        if !*whole {
            permit.resize(&self.budget, *kept);
        }
    }

    /// Counts a body of `read` bytes as what it may become, if the handler has kept all of it; `false` when there is no
    /// memory for that.
    ///
    /// A handler that passes the pieces on has dropped some of them by the end of the body.
    fn collect(&self, read: usize, as_value: usize) -> bool {
        let mut share = self.share.lock();
        if share.kept <= FREE_BYTES || share.kept < read {
            return true;
        }
        share.whole = true;
        share.permit.grow(&self.budget, as_value)
    }
}

/// A piece of a body that counts for as long as its handler has it.
struct Piece {
    bytes: Bytes,
    of: Arc<Collected>,
}

impl AsRef<[u8]> for Piece {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        self.of.resize(|kept| kept.saturating_sub(self.bytes.len()));
    }
}

/// A body that arrives in pieces; the client sends more as they are read.
///
/// A handler that passes the pieces on may read as much as it likes. One that keeps them gets the error that the server is busy
/// when the memory for clients does not suffice.
#[derive(Debug)]
pub(in crate::object) struct Pieces {
    request: RequestKey,
    handle: Arc<ObjectHandle>,
    buffer: Arc<BodyBuffer>,
    /// The bytes of all pieces so far, and as what they count as JSON.
    read: usize,
    as_value: ValueBytes,
    collected: Arc<Collected>,
}

impl Pieces {
    pub(in crate::object) fn new(
        request: RequestKey,
        handle: Arc<ObjectHandle>,
        buffer: Arc<BodyBuffer>,
        collected: Arc<Collected>,
    ) -> Self {
        Self { request, handle, buffer, read: 0, as_value: ValueBytes::default(), collected }
    }

    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyFault>>> {
        let mut queue = self.buffer.0.lock();
        let Some((piece, permit)) = queue.pieces.pop_front() else {
            return match queue.end {
                Some(Ok(())) => {
                    drop(queue);
                    let fits = self.collected.collect(self.read, self.as_value.sum());
                    Poll::Ready((!fits).then(|| Err(self.busy())))
                }
                Some(Err(fault)) => Poll::Ready(Some(Err(fault))),
                None => {
                    let before = queue.reader.replace(cx.waker().clone());
                    drop(queue);
                    drop(before);
                    Poll::Pending
                }
            };
        };
        drop(queue);
        // There was no memory for it: it comes all the same, to a handler that keeps nothing.
        if permit.is_empty() && self.collected.is_kept() {
            return Poll::Ready(Some(Err(self.busy())));
        }
        self.read += piece.len();
        self.as_value.add(&piece);
        // The credit bypasses the output gate, because it carries no data.
        let credit = ToGateway::BodyCredit { request: self.request, bytes: piece.len() as u64 };
        self.handle.gateway.apply(&mut [credit]);
        self.collected.resize(|kept| kept + piece.len());
        drop(permit);
        let piece = Piece { bytes: piece, of: self.collected.clone() };
        Poll::Ready(Some(Ok(Bytes::from_owner(piece))))
    }

    fn busy(&self) -> BodyFault {
        self.handle.environment.limit_counts.record(Limit::IncomingBytes);
        BodyFault::Busy
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
