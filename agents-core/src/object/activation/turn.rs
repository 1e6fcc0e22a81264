//! A turn: one uninterrupted poll of a handler. All writes of a turn commit together or not at all.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::error::{Error, Result};
use crate::object::{BoxFuture, Instance, ObjectContext, Work};
use crate::support::unwind::{caught, discard};

/// A handler that is polled in turns, with a label that is returned with its result.
pub(in crate::object) struct Turns<L, R> {
    object: ObjectContext,
    /// The number of the handler within its activation.
    id: u64,
    work: Work,
    future: Option<BoxFuture<'static, R>>,
    label: Option<L>,
    /// The instance that the handler runs on. If the instance was replaced, its destructor is not part of the
    /// handler's last turn.
    instance: Option<Arc<dyn Instance>>,
}

/// The error of a turn that was undone and whose handler was dropped. The handler panicked, or the turn violated a constraint that is checked at its end.
#[derive(Debug)]
pub(in crate::object) struct Undone(pub(in crate::object) Error);

impl<L, R> Turns<L, R> {
    pub(in crate::object) fn new(
        object: ObjectContext,
        work: Work,
        label: L,
        future: BoxFuture<'static, R>,
    ) -> Self {
        let id = object.next_handler();
        Self { object, id, work, future: Some(future), label: Some(label), instance: None }
    }

    /// Keeps the instance until the handler is done.
    pub(in crate::object) fn on(mut self, instance: Option<Arc<dyn Instance>>) -> Self {
        self.instance = instance;
        self
    }
}

impl<L: Unpin, R> Future for Turns<L, R> {
    type Output = (Option<L>, Result<R, Undone>);

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { object, id, work, future, label, instance } = &mut *self;
        let Some(running) = future else { return Poll::Pending };
        if !object.begin_turn(*id, cx) {
            return Poll::Pending;
        }
        let _watched = object.watched(*work);
        let polled = caught(|| running.as_mut().poll(cx)).and_then(|polled| match polled {
            Poll::Pending => Ok(None),
            // The destructors of its locals are part of the last turn.
            Poll::Ready(result) => match caught(|| drop(future.take())) {
                Ok(()) => Ok(Some(result)),
                Err(panic) => {
                    discard(result, object.key().address());
                    Err(panic)
                }
            },
        });
        let result = match polled {
            Ok(None) => match object.end_turn() {
                Ok(()) => return Poll::Pending,
                Err(error) => {
                    // The destructors of its locals may still do work.
                    object.begin_own_turn();
                    discard(future.take(), object.key().address());
                    Err(error)
                }
            },
            Ok(Some(result)) => Ok(result),
            Err(panic) => {
                object.panicked();
                discard(future.take(), object.key().address());
                // Only the log contains the message of the panic.
                Err(Error::hidden("panic", format!("panicked: {panic}")))
            }
        };
        let result = match (object.end_turn(), result) {
            (Ok(()), result) => result,
            (Err(error), result) => {
                discard(result, object.key().address());
                Err(error)
            }
        };
        discard(instance.take(), object.key().address());
        Poll::Ready((label.take(), result.map_err(Undone)))
    }
}

impl<L, R> Drop for Turns<L, R> {
    fn drop(&mut self) {
        discard(self.future.take(), self.object.key().address());
        discard(self.instance.take(), self.object.key().address());
    }
}

/// Limits the time of a handler; returns `None` when it took longer and was dropped.
pub(in crate::object) async fn in_time<T>(
    object: &ObjectContext,
    limit: Duration,
    mut handler: BoxFuture<'static, T>,
) -> Option<T> {
    let done = tokio::time::timeout(limit, &mut handler).await.ok();
    if done.is_none() {
        // A panic of the destructor does not stop the caller.
        discard(handler, object.key().address());
    }
    done
}

/// Runs work of the runtime in a turn of its own. The work may call user code; if that panics, the turn is
/// undone.
pub(in crate::object) fn own_turn(object: &ObjectContext, work: impl FnOnce() -> Result<()>) -> Result<()> {
    object.begin_own_turn();
    let done = caught(work).unwrap_or_else(|panic| {
        object.panicked();
        Err(Error::hidden("panic", format!("panicked: {panic}")))
    });
    done.and(object.end_turn())
}
