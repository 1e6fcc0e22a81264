//! The streams that a client returns.

use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use agents_protocol::wire::{Wire, from_json};
use futures_core::Stream;
use futures_core::stream::BoxStream;
use futures_util::StreamExt;
use serde::de::DeserializeOwned;
use tokio::sync::{broadcast, mpsc, oneshot};

use crate::connection::frame::Answer;
use crate::connection::inner::Inner;
use crate::remote_caller::Handle;
use crate::{ClientError, Dynamic};

/// The function that decodes an answer, by serde's rules or by those of wire types.
pub(crate) type Decode<T> = fn(&Answer) -> Result<T, ClientError>;

/// Decodes the value of an answer; a missing value counts as `null`.
pub(crate) fn decode<T: DeserializeOwned>(answer: &Answer) -> Result<T, ClientError> {
    let text = answer.as_ref().map_or("null", |raw| raw.get());
    serde_json::from_str(text).map_err(ClientError::deserialize)
}

/// Decodes the value of an answer by the rules of wire types.
pub(crate) fn decode_wire<T: Wire>(answer: &Answer) -> Result<T, ClientError> {
    let text = answer.as_ref().map_or("null", |raw| raw.get());
    from_json(text).map_err(ClientError::deserialize)
}

/// A guard that removes a call when its receiver is dropped.
#[derive(Debug)]
pub(crate) struct CallGuard {
    pub(crate) inner: Arc<Inner>,
    pub(crate) id: u64,
}

impl Drop for CallGuard {
    fn drop(&mut self) {
        self.inner.forget(self.id);
    }
}

/// The items of a streamed answer, and its result at the end.
///
/// The stream ends with `None` after the last item, or with one error. Then [`result`](Self::result) returns
/// the result of the method. [`finish`](Self::finish) skips the remaining items.
/// A stream that is dropped before its end stops the method.
///
/// The result has the type `R` that the method of a class declares. The result of a call by name has the type
/// that the program asks for.
///
/// ```no_run
/// # async fn run(room: agents_client::AgentClient) -> Result<(), agents_client::ClientError> {
/// use agents_client::StreamExt;
///
/// let mut tokens = room.call_streaming::<String>("ask", ("why?",)).await?;
/// while let Some(token) = tokens.next().await {
///     eprint!("{}", token?);
/// }
/// let count: u32 = tokens.result()?;
/// # drop(count); Ok(()) }
/// ```
#[must_use = "a stream does nothing until it is polled"]
pub struct CallStream<T, R = Dynamic> {
    chunks: mpsc::Receiver<Answer>,
    end: End,
    decode: Decode<T>,
    /// Removes the call on drop. Declared before the handle, because it needs the session.
    _call: CallGuard,
    /// Keeps the client connected while the stream exists.
    _handle: Arc<Handle>,
    result: PhantomData<fn() -> R>,
}

#[derive(Debug)]
enum End {
    Waiting(oneshot::Receiver<Result<Answer, ClientError>>),
    Done(Result<Answer, ClientError>),
}

impl<T, R> CallStream<T, R> {
    pub(crate) fn new(
        chunks: mpsc::Receiver<Answer>,
        end: oneshot::Receiver<Result<Answer, ClientError>>,
        call: CallGuard,
        handle: Arc<Handle>,
        decode: Decode<T>,
    ) -> Self {
        let end = End::Waiting(end);
        Self { chunks, end, decode, _call: call, _handle: handle, result: PhantomData }
    }

    fn value<V>(&self, decode: Decode<V>) -> Result<V, ClientError> {
        match &self.end {
            End::Waiting(_) => Err(ClientError::StreamOpen),
            End::Done(Ok(answer)) => decode(answer),
            End::Done(Err(error)) => Err(error.clone()),
        }
    }

    async fn ended(&mut self) {
        while self.chunks.recv().await.is_some() {}
        if let End::Waiting(end) = &mut self.end {
            let end = end.await.unwrap_or(Err(ClientError::Closed));
            self.end = End::Done(end);
        }
    }
}

impl<T, R: Wire> CallStream<T, R> {
    /// Returns the result of the method, after the stream has ended.
    ///
    /// # Errors
    /// The error that ended the stream; [`ClientError::Deserialize`] when the value is of another
    /// type; [`ClientError::StreamOpen`] before the end.
    pub fn result(&self) -> Result<R, ClientError> {
        self.value(decode_wire)
    }

    /// Skips the remaining items, waits for the end and returns the result of the method.
    ///
    /// # Errors
    /// The error that ended the stream, or [`ClientError::Deserialize`].
    pub async fn finish(mut self) -> Result<R, ClientError> {
        self.ended().await;
        self.result()
    }
}

impl<T> CallStream<T, Dynamic> {
    /// Returns the result of the method, after the stream has ended.
    ///
    /// # Errors
    /// The error that ended the stream; [`ClientError::Deserialize`] when the value is of another
    /// type; [`ClientError::StreamOpen`] before the end.
    pub fn result<V: DeserializeOwned>(&self) -> Result<V, ClientError> {
        self.value(decode)
    }

    /// Skips the remaining items, waits for the end and returns the result of the method.
    ///
    /// # Errors
    /// The error that ended the stream, or [`ClientError::Deserialize`].
    pub async fn finish<V: DeserializeOwned>(mut self) -> Result<V, ClientError> {
        self.ended().await;
        self.result()
    }
}

impl<T, R> Stream for CallStream<T, R> {
    type Item = Result<T, ClientError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(chunk) = ready!(self.chunks.poll_recv(cx)) {
            return Poll::Ready(Some((self.decode)(&chunk)));
        }
        let End::Waiting(end) = &mut self.end else {
            return Poll::Ready(None);
        };
        let end = ready!(Pin::new(end).poll(cx)).unwrap_or(Err(ClientError::Closed));
        let error = end.as_ref().err().cloned();
        self.end = End::Done(end);
        Poll::Ready(error.map(Err))
    }
}

impl<T, R> fmt::Debug for CallStream<T, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallStream").field("end", &self.end).finish_non_exhaustive()
    }
}

/// A stream of received messages, which ends when the client has stopped.
///
/// An item is [`ClientError::Lagged`] if the reader was too slow and missed messages.
#[must_use = "a stream does nothing until it is polled"]
pub struct Feed<T> {
    items: BoxStream<'static, Result<T, ClientError>>,
}

impl<T: Clone + Send + 'static> Feed<T> {
    pub(crate) fn of(receiver: broadcast::Receiver<T>) -> Self {
        let items = futures_util::stream::unfold(receiver, async |mut receiver| {
            let item = match receiver.recv().await {
                Ok(item) => Ok(item),
                Err(broadcast::error::RecvError::Lagged(missed)) => Err(ClientError::Lagged(missed)),
                Err(broadcast::error::RecvError::Closed) => return None,
            };
            Some((item, receiver))
        });
        Self { items: items.boxed() }
    }
}

impl<T> Stream for Feed<T> {
    type Item = Result<T, ClientError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.items.poll_next_unpin(cx)
    }
}

impl<T> fmt::Debug for Feed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Feed").finish_non_exhaustive()
    }
}
