//! Guards that keep an object awake, tasks beside its handlers, and the abort of an activation.

use std::fmt;
use std::time::Duration;

use super::{ObjectContext, Section};
use crate::error::{Error, Result};

/// The maximum time of work that blocks all other handlers.
const SECTION_TIMEOUT: Duration = Duration::from_secs(30);

impl ObjectContext {
    /// Runs a future with the object. The future keeps the object awake and may use this context. The future
    /// is dropped when the activation ends early. Its error is logged.
    ///
    /// # Errors
    /// Fails outside of the object's handlers.
    pub fn spawn<F>(&self, future: F) -> Result<()>
    where
        F: Future<Output = Result<()>> + Send + 'static,
    {
        self.run(Box::pin(future))
    }

    /// Keeps the object awake until the guard is dropped. The status of the object shows `reason`.
    ///
    /// # Errors
    /// Fails outside of the object's handlers.
    pub fn keep_awake(&self, reason: impl Into<String>) -> Result<KeepAwake> {
        let number = self.next_handler();
        self.turn()?.kept_awake.push((number, reason.into()));
        Ok(KeepAwake { object: self.clone(), number })
    }

    /// Runs a future while no other handler of the object runs and no event starts one.
    ///
    /// Handlers that were running wait at their await. Calls may be nested. An error restarts the object, so
    /// checks that may reject a caller belong before this call.
    ///
    /// # Limits
    /// The future has 30 s, because work that waits for another handler of this object would wait forever.
    ///
    /// # Errors
    /// Returns the future's error, or `section_timeout`. Both restart the object from its database, as
    /// [`abort`](Self::abort) does.
    pub async fn block_concurrency_while<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        let _alone = self.enter_section()?;
        match tokio::time::timeout(SECTION_TIMEOUT, work).await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => {
                self.abort(format!("work that blocked all other handlers failed: {error}"));
                Err(error)
            }
            Err(_) => {
                let text = "work that blocked all other handlers took longer than 30 s";
                self.abort(text);
                Err(Error::hidden("section_timeout", text))
            }
        }
    }

    /// Ends this activation: uncommitted writes are undone, unsent messages are dropped, all WebSockets of
    /// the object are closed with 1011, and the next event starts the object from its database.
    ///
    /// The returned error is meant as the result of the handler.
    pub fn abort(&self, reason: impl Into<String>) -> Error {
        let reason = reason.into();
        self.lock().failed.get_or_insert_with(|| Error::hidden("aborted", reason.clone()));
        self.handle().mailbox.wake();
        Error::hidden("aborted", reason)
    }

    fn enter_section(&self) -> Result<Alone> {
        let mut inner = self.turn()?;
        let handler = inner.turn.as_ref().map_or(0, |turn| turn.handler);
        match &mut inner.section {
            Some(section) => section.depth += 1,
            None => inner.section = Some(Section { owner: handler, depth: 1, waiting: Vec::new() }),
        }
        Ok(Alone { object: self.clone() })
    }
}

/// A guard that keeps an object awake; see [`ObjectContext::keep_awake`].
#[must_use = "the object may hibernate as soon as this is dropped"]
pub struct KeepAwake {
    object: ObjectContext,
    number: u64,
}

impl Drop for KeepAwake {
    fn drop(&mut self) {
        self.object.lock().kept_awake.retain(|(number, _)| *number != self.number);
        self.object.handle().mailbox.wake();
    }
}

impl fmt::Debug for KeepAwake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeepAwake").field("object", self.object.key()).finish()
    }
}

/// A guard of the handler that runs alone.
struct Alone {
    object: ObjectContext,
}

impl Drop for Alone {
    fn drop(&mut self) {
        let mut inner = self.object.lock();
        let Some(section) = &mut inner.section else { return };
        section.depth -= 1;
        if section.depth > 0 {
            return;
        }
        let waiting = inner.section.take().map(|section| section.waiting).unwrap_or_default();
        drop(inner);
        waiting.into_iter().for_each(std::task::Waker::wake);
        // New events may start handlers again.
        self.object.handle().mailbox.wake();
    }
}
