//! The local copy of the state, as a program watches it.

use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use agents_protocol::wire::Wire;
use futures_core::Stream;
use futures_core::stream::BoxStream;
use futures_util::StreamExt;
use serde_json::Value;
use tokio::sync::watch;

use crate::ClientError;
use crate::connection::inner::Inner;

/// The local copy of the state of an agent, to read and to wait for.
///
/// A watch always has the newest state; a slow reader does not see every state. As a stream, a watch begins
/// with the current state, and ends when the client has stopped.
///
/// ```no_run
/// # use agents_client::{AgentClient, ClientError, StreamExt};
/// # async fn run(room: AgentClient) -> Result<(), ClientError> {
/// let mut state = room.state();
/// if let Some(now) = state.get()? {
///     eprintln!("{now}");
/// }
/// let full = state.wait_for(|state| state["members"] == 8).await?;
/// while let Some(next) = state.next().await {
///     eprintln!("{}", next?);
/// }
/// # drop(full); Ok(()) }
/// ```
pub struct StateWatch<S> {
    /// Has the reason why the client has stopped. This reference does not keep the client running.
    inner: Arc<Inner>,
    states: watch::Receiver<Option<Value>>,
    /// The stream of changes, made when the watch is first polled.
    stream: Option<BoxStream<'static, Option<Value>>>,
    state: PhantomData<fn() -> S>,
}

impl<S: Wire> StateWatch<S> {
    pub(crate) fn new(inner: Arc<Inner>) -> Self {
        let mut states = inner.state.clone();
        states.mark_changed();
        Self { inner, states, stream: None, state: PhantomData }
    }

    /// Returns the current state; `None` if the agent has not sent one.
    ///
    /// # Errors
    /// [`ClientError::Deserialize`] when the state is of another type, which means that agent and client were
    /// built from different definitions.
    pub fn get(&self) -> Result<Option<S>, ClientError> {
        read(self.states.borrow().as_ref())
    }

    /// Waits until there is a state that this watch has not returned yet, and returns it.
    ///
    /// The first call returns the current state.
    ///
    /// # Errors
    /// [`ClientError::Deserialize`], and the error that the client has stopped with.
    pub async fn changed(&mut self) -> Result<S, ClientError> {
        loop {
            self.states.changed().await.map_err(|_| self.inner.end())?;
            let state = read(self.states.borrow_and_update().as_ref())?;
            if let Some(state) = state {
                return Ok(state);
            }
        }
    }

    /// Waits for a state that satisfies a condition, and returns it.
    ///
    /// # Errors
    /// As [`changed`](Self::changed).
    pub async fn wait_for(&mut self, mut condition: impl FnMut(&S) -> bool) -> Result<S, ClientError> {
        // The condition may hold for a state that was seen before.
        self.states.mark_changed();
        loop {
            let state = self.changed().await?;
            if condition(&state) {
                return Ok(state);
            }
        }
    }
}

fn read<S: Wire>(state: Option<&Value>) -> Result<Option<S>, ClientError> {
    state.map(S::wire_deserialize).transpose().map_err(ClientError::deserialize)
}

impl<S: Wire> Stream for StateWatch<S> {
    type Item = Result<S, ClientError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        let states = &this.states;
        let stream = this.stream.get_or_insert_with(|| {
            let seen = states.clone();
            let states = futures_util::stream::unfold(seen, async |mut states| {
                states.changed().await.ok()?;
                let state = states.borrow_and_update().clone();
                Some((state, states))
            });
            states.boxed()
        });
        loop {
            match std::task::ready!(stream.poll_next_unpin(cx)) {
                None => return Poll::Ready(None),
                Some(None) => {}
                Some(state) => return Poll::Ready(read(state.as_ref()).transpose()),
            }
        }
    }
}

impl<S> Clone for StateWatch<S> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner), states: self.states.clone(), stream: None, state: PhantomData }
    }
}

impl<S> fmt::Debug for StateWatch<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("StateWatch").field(&*self.states.borrow()).finish()
    }
}
