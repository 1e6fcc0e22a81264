//! Calls of user code: panics are caught, and `current` finds the context.

use std::any::Any;
use std::cell::RefCell;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};

use crate::agent::{AgentDefinition, Context};
use crate::error::Error;
use crate::object::{BoxFuture, ObjectContext};
use crate::support::unwind::{Panic, caught, discard};

thread_local! {
    /// The context of the call that is being polled on this thread.
    static CURRENT: RefCell<Option<Arc<dyn Any + Send + Sync>>> = const { RefCell::new(None) };
}

/// Returns the context of the call that runs, without passing it along.
///
/// The context is available after awaits, in helpers and in joined futures. The result is `None` outside of
/// agents, in another agent, and in a task that was started with `cx.spawn` or `tokio::spawn`.
pub fn current<A: AgentDefinition>() -> Option<Context<A>> {
    let current = CURRENT.with_borrow(Clone::clone)?;
    current.downcast_ref::<Context<A>>().cloned()
}

/// A future of user code.
pub(crate) struct UserFuture<T> {
    context: Option<Arc<dyn Any + Send + Sync>>,
    object: ObjectContext,
    callable: Option<&'static str>,
    /// `true` if the first poll belongs to the turn in which the runtime has worked before it.
    joins: bool,
    /// The future; `None` after it has ended.
    future: Option<BoxFuture<'static, T>>,
}

impl<T> UserFuture<T> {
    pub(crate) fn new<A: AgentDefinition>(cx: Context<A>, future: BoxFuture<'static, T>) -> Self {
        Self {
            object: cx.core.object.clone(),
            callable: cx.callable,
            context: Some(Arc::new(cx)),
            joins: false,
            future: Some(future),
        }
    }

    /// Returns a future in which `current` finds no context.
    pub(crate) fn unnamed(object: ObjectContext, future: BoxFuture<'static, T>) -> Self {
        Self { context: None, object, callable: None, joins: false, future: Some(future) }
    }

    /// Lets the first poll be a part of the running turn: a panic also undoes the work of the runtime before
    /// it.
    pub(crate) fn joining(mut self, joins: bool) -> Self {
        self.joins = joins;
        self
    }
}

impl<T> Future for UserFuture<T> {
    type Output = Result<T, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let Self { context, object, callable, joins, future } = &mut *self;
        let joins = std::mem::take(joins);
        let work = || {
            let Some(running) = future else { return Ok(Poll::Pending) };
            if let Some(callable) = callable {
                object.runs(callable);
            }
            let Poll::Ready(result) = running.as_mut().poll(cx) else { return Ok(Poll::Pending) };
            // Values that the future drops at its end belong to it, and so does a panic of their destructors.
            match caught(|| drop(future.take())) {
                Ok(()) => Ok(Poll::Ready(result)),
                Err(panic) => {
                    discard(result, object.key().address());
                    Err(panic)
                }
            }
        };
        let polled = match catch_panic(context, object, joins, work) {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(result)) => Ok(result),
            Err(error) => Err(error),
        };
        discard(future.take(), object.key().address());
        Poll::Ready(polled)
    }
}

impl<T> Drop for UserFuture<T> {
    fn drop(&mut self) {
        discard(self.future.take(), self.object.key().address());
    }
}

/// The context for user code that is not a future.
pub(crate) struct CurrentAgent<A: AgentDefinition> {
    context: Context<A>,
    shared: Option<Arc<dyn Any + Send + Sync>>,
}

impl<A: AgentDefinition> CurrentAgent<A> {
    pub(crate) fn new(context: Context<A>) -> Self {
        Self { shared: Some(Arc::new(context.clone())), context }
    }

    /// Runs user code; a panic becomes an error.
    pub(crate) fn run<R>(&mut self, code: impl FnOnce() -> R) -> Result<R, Error> {
        catch_panic(&mut self.shared, &self.context.core.object, false, || Ok(code()))
    }
}

/// Runs user code as a part of the running turn, with a context that `current` finds. After a panic the caller
/// undoes the turn.
pub(crate) fn run_in_turn<A: AgentDefinition, R>(
    cx: Context<A>,
    code: impl FnOnce() -> R,
) -> Result<R, Error> {
    let outer = CURRENT.replace(Some(Arc::new(cx)));
    let done = caught(code);
    drop(CURRENT.replace(outer));
    done.map_err(|panic| Error::hidden("panic", format!("panicked: {panic}")))
}

/// Runs user code with a context that `current` finds, as a turn of its own unless it `joins` the running one:
/// earlier work of the runtime is not undone with it. A panic undoes the turn and becomes an error. A constraint that does not hold at the
/// end of the turn does the same.
fn catch_panic<R>(
    context: &mut Option<Arc<dyn Any + Send + Sync>>,
    object: &ObjectContext,
    joins: bool,
    code: impl FnOnce() -> Result<R, Panic>,
) -> Result<R, Error> {
    if !joins {
        object.split_turn()?;
    }
    let outer = CURRENT.replace(context.take());
    let done = caught(code).and_then(|done| done);
    *context = CURRENT.replace(outer);
    match done {
        Ok(value) => match object.split_turn() {
            Ok(()) => Ok(value),
            Err(error) => {
                discard(value, object.key().address());
                Err(error)
            }
        },
        Err(panic) => {
            object.panicked();
            // Only the log contains the message of the panic.
            Err(Error::hidden("panic", format!("panicked: {panic}")))
        }
    }
}
