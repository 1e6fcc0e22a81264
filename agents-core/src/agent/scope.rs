//! User code under watch: panics are caught, and `current` finds the context.

use std::any::Any;
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};

use crate::agent::{AgentTypes, Context};
use crate::error::Error;
use crate::object::{BoxFuture, ObjectContext};

thread_local! {
    /// The context of the call that is being polled on this thread.
    static CURRENT: RefCell<Option<Arc<dyn Any + Send + Sync>>> = const { RefCell::new(None) };
}

/// Returns the context of the call that runs, without it being passed along.
///
/// It follows the call over awaits, into helpers and joined futures. It is `None` outside of
/// agents, in another agent, and in a task that was started with `cx.spawn` or `tokio::spawn`.
pub fn current<A: AgentTypes>() -> Option<Context<A>> {
    let current = CURRENT.with_borrow(Clone::clone)?;
    current.downcast_ref::<Context<A>>().cloned()
}

/// A future of the user's.
pub(crate) struct Scoped<T> {
    context: Option<Arc<dyn Any + Send + Sync>>,
    object: ObjectContext,
    future: BoxFuture<'static, T>,
}

impl<T> Scoped<T> {
    pub(crate) fn new<A: AgentTypes>(cx: Context<A>, future: BoxFuture<'static, T>) -> Self {
        Self { object: cx.core.object.clone(), context: Some(Arc::new(cx)), future }
    }

    /// A future that `current` finds no context in.
    pub(crate) fn unnamed(object: ObjectContext, future: BoxFuture<'static, T>) -> Self {
        Self { context: None, object, future }
    }
}

impl<T> Future for Scoped<T> {
    type Output = Result<T, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let outer = CURRENT.replace(self.context.take());
        let polled = catch_unwind(AssertUnwindSafe(|| self.future.as_mut().poll(cx)));
        self.context = CURRENT.replace(outer);
        match polled {
            Ok(polled) => polled.map(Ok),
            Err(panic) => {
                self.object.panicked();
                Poll::Ready(Err(panic_error(&*panic)))
            }
        }
    }
}

/// The error of a call whose code panicked; only the log sees what it said.
pub(crate) fn panic_error(panic: &(dyn Any + Send)) -> Error {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message");
    Error::hidden("panic", format!("panicked: {text}"))
}
