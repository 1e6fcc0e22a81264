//! A turn: one uninterrupted poll of a handler. All its writes commit together or not at all.

use std::pin::Pin;
use std::task::{Context, Poll};

use crate::error::{Error, Result};
use crate::object::{BoxFuture, ObjectContext, Work};
use crate::unwind::{caught, discard};

/// A handler that is polled in turns, with a label that comes back with its result.
pub(super) struct Turns<L, R> {
    object: ObjectContext,
    /// Names the handler within its activation.
    id: u64,
    work: Work,
    future: Option<BoxFuture<'static, R>>,
    label: Option<L>,
}

/// A handler panicked where nobody above caught it.
#[derive(Debug)]
pub(super) struct Panicked;

impl<L, R> Turns<L, R> {
    pub(super) fn new(object: ObjectContext, work: Work, label: L, future: BoxFuture<'static, R>) -> Self {
        let id = object.next_handler();
        Self { object, id, work, future: Some(future), label: Some(label) }
    }
}

impl<L: Unpin, R> Future for Turns<L, R> {
    type Output = (Option<L>, Result<R, Panicked>);

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { object, id, work, future, label } = &mut *self;
        let Some(running) = future else { return Poll::Pending };
        if !object.begin_turn(*id, cx) {
            return Poll::Pending;
        }
        let _watched = object.watched(*work);
        let polled = caught(|| running.as_mut().poll(cx)).and_then(|polled| match polled {
            Poll::Pending => Ok(None),
            // What its locals do when they are dropped is part of the last turn.
            Poll::Ready(result) => match caught(|| drop(future.take())) {
                Ok(()) => Ok(Some(result)),
                Err(panic) => {
                    discard(result, object.key());
                    Err(panic)
                }
            },
        });
        let result = match polled {
            Ok(None) => {
                object.end_turn();
                return Poll::Pending;
            }
            Ok(Some(result)) => Ok(result),
            Err(panic) => {
                tracing::error!(object = ?object.key(), "a handler panicked: {panic}");
                object.panicked();
                discard(future.take(), object.key());
                Err(Panicked)
            }
        };
        object.end_turn();
        Poll::Ready((label.take(), result))
    }
}

impl<L, R> Drop for Turns<L, R> {
    fn drop(&mut self) {
        discard(self.future.take(), self.object.key());
    }
}

/// Does work of the runtime's own in a turn. What it runs of the user's may panic, and then the turn is undone.
pub(super) fn own_turn(object: &ObjectContext, work: impl FnOnce() -> Result<()>) -> Result<()> {
    object.begin_own_turn();
    let done = caught(work).unwrap_or_else(|panic| {
        object.panicked();
        Err(Error::hidden("panic", format!("panicked: {panic}")))
    });
    object.end_turn();
    done
}
