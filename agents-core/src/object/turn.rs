//! A turn: one uninterrupted poll of a handler. All its writes commit together or not at all.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::error::Error;
use crate::object::{BoxFuture, ObjectContext};

/// A handler that is polled in turns, with a label that comes back with its result.
pub(super) struct Turns<L, R> {
    object: ObjectContext,
    /// Names the handler within its activation.
    id: u64,
    future: Option<BoxFuture<'static, R>>,
    label: Option<L>,
}

/// A turn was undone, and its handler is given up: it panicked where nobody above caught it, or
/// broke a constraint that is checked at the end of the turn.
#[derive(Debug)]
pub(super) struct Undone(pub(super) Error);

impl<L, R> Turns<L, R> {
    pub(super) fn new(object: ObjectContext, label: L, future: BoxFuture<'static, R>) -> Self {
        let id = object.next_handler();
        Self { object, id, future: Some(future), label: Some(label) }
    }
}

impl<L: Unpin, R> Future for Turns<L, R> {
    type Output = (Option<L>, Result<R, Undone>);

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { object, id, future, label } = &mut *self;
        let Some(running) = future else { return Poll::Pending };
        if !object.begin_turn(*id, cx) {
            return Poll::Pending;
        }
        let polled = catch_unwind(AssertUnwindSafe(|| running.as_mut().poll(cx)));
        let result = match polled {
            Ok(Poll::Pending) => match object.end_turn() {
                Ok(()) => return Poll::Pending,
                Err(error) => {
                    // Its locals may still do something.
                    object.begin_own_turn();
                    *future = None;
                    Err(object.end_turn().err().unwrap_or(error))
                }
            },
            Ok(Poll::Ready(result)) => {
                // What its locals do when they are dropped is part of the last turn.
                *future = None;
                object.end_turn().map(|()| result)
            }
            Err(panic) => {
                let text = panic_text(&*panic);
                tracing::error!(object = ?object.key(), "a handler panicked: {text}");
                object.panicked();
                let ended = object.end_turn();
                Err(ended.err().unwrap_or_else(|| Error::hidden("panic", "a handler panicked")))
            }
        }
        .map_err(|error| {
            if error.code() != "panic" {
                tracing::error!(object = ?object.key(), "what a handler did in a turn was undone: {error}");
            }
            Undone(error)
        });
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
