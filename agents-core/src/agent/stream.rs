//! Answers that come in pieces.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::agent::{Outcome, Reply};
use crate::error::Result;
use crate::gateway::{Message, Targets};
use crate::object::{ConnectionEntry, ObjectContext};
use crate::wire::{self, Wire, frame};

/// The answer to one call, until its last frame.
#[derive(Debug)]
pub(crate) struct Answer {
    object: ObjectContext,
    connection: Arc<ConnectionEntry>,
    /// The call's id as JSON.
    id: String,
    ended: AtomicBool,
}

impl Answer {
    pub(crate) fn new(object: ObjectContext, connection: Arc<ConnectionEntry>, id: String) -> Self {
        Self { object, connection, id, ended: AtomicBool::new(false) }
    }

    /// Sends a piece; after the end it is dropped.
    pub(crate) fn chunk(&self, json: &str) -> Result<()> {
        if self.ended.load(Ordering::Acquire) {
            return Ok(());
        }
        self.send(frame::rpc_chunk(&self.id, json))
    }

    /// Sends the last frame; a second one is dropped.
    pub(crate) fn end(&self, outcome: &Outcome) -> Result<()> {
        if self.ended.swap(true, Ordering::AcqRel) {
            return Ok(());
        }
        self.send(match outcome {
            Outcome::Nothing => frame::rpc_result(&self.id, None),
            Outcome::Value(json) => frame::rpc_result(&self.id, Some(json)),
        })
    }

    /// Sends an error as the last frame; a second one is dropped.
    pub(crate) fn error(&self, message: &str) -> Result<()> {
        if self.ended.swap(true, Ordering::AcqRel) {
            return Ok(());
        }
        self.send(frame::rpc_error(&self.id, message))
    }

    /// Tells whether somebody still listens.
    pub(crate) fn is_open(&self) -> bool {
        !self.ended.load(Ordering::Acquire) && self.object.is_connected(self.connection.key)
    }

    fn send(&self, frame: String) -> Result<()> {
        self.object.send(Targets::One(self.connection.key), Message::Text(frame))
    }
}

/// The caller's end of a streamed answer.
///
/// Take it by reference in a callable. The value that the callable returns is the result, unless
/// [`end`](Self::end) or [`error`](Self::error) came first; whatever is sent after those is dropped.
pub struct StreamingResponse<T> {
    answer: Arc<Answer>,
    item: PhantomData<fn(T)>,
}

impl<T: Wire> StreamingResponse<T> {
    pub(crate) fn new(answer: Arc<Answer>) -> Self {
        Self { answer, item: PhantomData }
    }

    /// Sends an item.
    ///
    /// # Errors
    /// When it has no JSON form, or outside of the agent's handlers.
    pub fn send(&self, item: T) -> Result<()> {
        self.answer.chunk(&wire::to_json(&item)?)
    }

    /// Ends the answer with a result; `()` for none.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn end(&self, result: impl Reply) -> Result<()> {
        self.answer.end(&result.into_outcome()?)
    }

    /// Ends the answer with an error that the caller reads.
    ///
    /// # Errors
    /// Outside of the agent's handlers.
    pub fn error(&self, message: &str) -> Result<()> {
        self.answer.error(message)
    }

    /// Tells whether the answer has not ended and the caller is still connected.
    pub fn is_open(&self) -> bool {
        self.answer.is_open()
    }
}

impl<T> Clone for StreamingResponse<T> {
    fn clone(&self) -> Self {
        Self { answer: self.answer.clone(), item: PhantomData }
    }
}

impl<T> fmt::Debug for StreamingResponse<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamingResponse").field("answer", &self.answer).finish()
    }
}
