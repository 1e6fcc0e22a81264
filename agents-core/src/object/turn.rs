//! A turn: one uninterrupted poll of a handler. All its writes commit together or not at all.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::object::{BoxFuture, ObjectContext};

/// A handler that is polled in turns, with a label that comes back with its result.
pub(super) struct Turns<L, R> {
    object: ObjectContext,
    future: BoxFuture<'static, R>,
    label: Option<L>,
}

/// A handler panicked where nobody above caught it.
#[derive(Debug)]
pub(super) struct Panicked;

impl<L, R> Turns<L, R> {
    pub(super) fn new(object: ObjectContext, label: L, future: BoxFuture<'static, R>) -> Self {
        Self { object, future, label: Some(label) }
    }
}

impl<L: Unpin, R> Future for Turns<L, R> {
    type Output = (Option<L>, Result<R, Panicked>);

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.object.begin_turn();
        let polled = catch_unwind(AssertUnwindSafe(|| self.future.as_mut().poll(cx)));
        let result = match polled {
            Ok(Poll::Pending) => {
                self.object.end_turn();
                return Poll::Pending;
            }
            Ok(Poll::Ready(result)) => {
                self.object.end_turn();
                Ok(result)
            }
            Err(_) => {
                self.object.undo_turn();
                Err(Panicked)
            }
        };
        Poll::Ready((self.label.take(), result))
    }
}
