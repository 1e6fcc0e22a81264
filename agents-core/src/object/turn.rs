//! A turn: one uninterrupted poll of a handler. All its writes commit together or not at all.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::object::{BoxFuture, ObjectContext, Work};

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
        let polled = catch_unwind(AssertUnwindSafe(|| running.as_mut().poll(cx)));
        let result = match polled {
            Ok(Poll::Pending) => {
                object.end_turn();
                return Poll::Pending;
            }
            Ok(Poll::Ready(result)) => {
                // What its locals do when they are dropped is part of the last turn.
                *future = None;
                object.end_turn();
                Ok(result)
            }
            Err(panic) => {
                let text = panic_text(&*panic);
                tracing::error!(object = ?object.key(), "a handler panicked: {text}");
                object.panicked();
                object.end_turn();
                Err(Panicked)
            }
        };
        Poll::Ready((label.take(), result))
    }
}

/// What a panic said.
pub(crate) fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}
