//! The handle of a client.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::timeout;

use crate::close::CloseFrame;
use crate::frame::{self, Answer};
use crate::inner::Inner;
use crate::session::Sink;
use crate::stream::{CallStream, Feed, Forget, decode};
use crate::{AgentClientBuilder, ClientError, Identity, Message, Status};

/// A connection to one agent.
///
/// Clone it freely: all clones share one socket. When the last one is gone the client closes.
///
/// ```no_run
/// # async fn run() -> Result<(), agents_client::ClientError> {
/// use agents_client::AgentClient;
///
/// let room = AgentClient::builder("http://127.0.0.1:8787", "ChatRoom", "lobby")
///     .query("username", "ann")
///     .connect()
///     .await?;
/// let post: serde_json::Value = room.call("post", ("hello",)).await?;
/// assert_eq!(post["author"], "ann");
/// room.close(1000, "done").await?;
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct AgentClient {
    handle: Arc<Handle>,
}

/// Closes the client when the last user of it is gone; the worker holds [`Inner`] alone.
#[derive(Debug)]
pub(crate) struct Handle(Arc<Inner>);

impl Drop for Handle {
    fn drop(&mut self) {
        self.0.close(CloseFrame::normal());
    }
}

impl AgentClient {
    /// Starts to build a client of the agent `name` of a class, `ChatRoom` or `chat-room`.
    ///
    /// The URL is the address of the server, with `http`, `https`, `ws` or `wss`, and the path
    /// below which it serves agents if that is not the root.
    pub fn builder(
        url: impl AsRef<str>,
        class: impl AsRef<str>,
        name: impl AsRef<str>,
    ) -> AgentClientBuilder {
        AgentClientBuilder::new(url.as_ref(), class.as_ref(), name.as_ref())
    }

    pub(crate) fn new(inner: Arc<Inner>) -> Self {
        Self { handle: Arc::new(Handle(inner)) }
    }

    fn inner(&self) -> &Inner {
        &self.handle.0
    }

    /// Calls a method, by its name on the wire (`getStats`), and waits for the answer.
    ///
    /// The arguments are a tuple or an array; `()` stands for none. While there is no connection
    /// the call waits in the buffer. A method that returns nothing gives `()`.
    ///
    /// ```no_run
    /// # async fn run(counter: agents_client::AgentClient) -> Result<(), agents_client::ClientError> {
    /// let count: u64 = counter.call("increment", (1,)).await?;
    /// # drop(count); Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ClientError::Rpc`] with the agent's text, [`ClientError::Timeout`],
    /// [`ClientError::Disconnected`] when the connection was lost before the answer came, and the
    /// errors of a client that has stopped.
    pub fn call<T: DeserializeOwned>(
        &self,
        method: &str,
        args: impl Serialize,
    ) -> impl Future<Output = Result<T, ClientError>> {
        self.call_within(self.inner().config.call_timeout, method, args)
    }

    /// Calls a method and waits for the answer this long at most.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub fn call_within<T: DeserializeOwned>(
        &self,
        limit: Duration,
        method: &str,
        args: impl Serialize,
    ) -> impl Future<Output = Result<T, ClientError>> {
        // Written before the future exists, so that the future is `Send` whatever the arguments are.
        let args = frame::arguments(&args);
        async move {
            let answer = timeout(limit, self.exchange(method, &args?)).await;
            decode(&answer.unwrap_or(Err(ClientError::Timeout))?)
        }
    }

    async fn exchange(&self, method: &str, args: &str) -> Result<Answer, ClientError> {
        let (end, answer) = oneshot::channel();
        let _forget = self.start(method, args, Sink::Once(end)).await?;
        answer.await.unwrap_or(Err(ClientError::Closed))
    }

    async fn start(&self, method: &str, args: &str, sink: Sink) -> Result<Forget, ClientError> {
        let inner = &self.handle.0;
        let space = inner.space(method.len() + args.len()).await?;
        let id = inner.session().call(method, args, sink, space)?;
        inner.wake.notify_one();
        Ok(Forget { inner: Arc::clone(inner), id })
    }

    /// Calls a method that answers in parts.
    ///
    /// No time limit applies. Dropping the stream forgets the call; the agent is not told.
    ///
    /// # Errors
    /// Those of a client that has stopped. Errors of the call itself come out of the stream.
    pub fn call_streaming<T: DeserializeOwned>(
        &self,
        method: &str,
        args: impl Serialize,
    ) -> impl Future<Output = Result<CallStream<T>, ClientError>> {
        let args = frame::arguments(&args);
        async move {
            let (chunks, items) = mpsc::channel(self.inner().config.stream_buffer);
            let (end, result) = oneshot::channel();
            let forget = self.start(method, &args?, Sink::Stream { chunks, end }).await?;
            Ok(CallStream::new(items, result, forget, Arc::clone(&self.handle)))
        }
    }

    /// The agent's state: `None` until the agent has sent one, then always the newest.
    ///
    /// The receiver ends when the client has stopped.
    pub fn state(&self) -> watch::Receiver<Option<Value>> {
        self.inner().state.clone()
    }

    /// The agent's state now, as a type of yours; `None` while there is none.
    ///
    /// # Errors
    /// [`ClientError::Deserialize`] when the state is of another type.
    pub fn state_as<T: DeserializeOwned>(&self) -> Result<Option<T>, ClientError> {
        let state = self.inner().state.borrow();
        state.as_ref().map(T::deserialize).transpose().map_err(ClientError::deserialize)
    }

    /// The agent's state as it changes, beginning with the one that is there.
    ///
    /// A reader that is slow sees the newest state, not every one. The stream ends when the client
    /// has stopped.
    pub fn state_changes<T: DeserializeOwned>(&self) -> Feed<T> {
        let mut states = self.state();
        states.mark_changed();
        let states = futures_util::stream::unfold(states, async |mut states| {
            loop {
                states.changed().await.ok()?;
                let state = states.borrow_and_update().as_ref().map(T::deserialize);
                if let Some(state) = state {
                    return Some((state.map_err(ClientError::deserialize), states));
                }
            }
        });
        Feed::new(states.boxed())
    }

    /// Replaces the agent's state.
    ///
    /// The local copy changes at once. The agent does not answer a change it accepts; a refusal
    /// comes out of [`state_rejections`](Self::state_rejections), and the local copy goes back.
    ///
    /// # Errors
    /// [`ClientError::Serialize`], [`ClientError::TooLarge`], and the errors of a client that has stopped.
    pub fn set_state<T: Serialize + ?Sized>(
        &self,
        state: &T,
    ) -> impl Future<Output = Result<(), ClientError>> {
        let state = serde_json::to_value(state).map_err(ClientError::serialize);
        async move {
            let state = state?;
            let text = frame::push_state(&state);
            let inner = self.inner();
            let space = inner.space(text.len()).await?;
            inner.session().push_state(state, text, space)?;
            inner.wake.notify_one();
            Ok(())
        }
    }

    /// Refusals of states that this client has set, with the agent's text.
    ///
    /// The first stream that is asked for has those since the client was made, later ones those
    /// from then on.
    pub fn state_rejections(&self) -> Feed<String> {
        Feed::of(self.inner().rejections.reader())
    }

    /// Waits until the agent has told who it is and, if it has one, its state.
    ///
    /// This is the way to know that the agent has accepted the connection.
    ///
    /// # Errors
    /// [`ClientError::Refused`] when it has not, [`ClientError::Timeout`] after the time limit of
    /// calls - agents can be told to keep their identity for themselves.
    pub async fn identity(&self) -> Result<Identity, ClientError> {
        let mut identity = self.inner().identity.clone();
        let known = async {
            match identity.wait_for(Option::is_some).await {
                Ok(known) => known.clone().ok_or(ClientError::Closed),
                Err(_) => Err(self.inner().end()),
            }
        };
        timeout(self.inner().config.call_timeout, known).await.unwrap_or(Err(ClientError::Timeout))
    }

    /// The id of the connection, the same over reconnects. An agent that already has a live
    /// connection with this id knows this one by another.
    pub fn connection_id(&self) -> &str {
        &self.inner().config.connection_id
    }

    /// The MCP servers of the agent as it last reported them, as JSON.
    pub fn mcp_servers(&self) -> watch::Receiver<Option<Value>> {
        self.inner().mcp_servers.clone()
    }

    /// Sends a text or binary message to the agent's message hook.
    ///
    /// It returns when the message is in the buffer.
    ///
    /// # Errors
    /// [`ClientError::TooLarge`], and the errors of a client that has stopped.
    pub async fn send(&self, message: impl Into<Message>) -> Result<(), ClientError> {
        self.enqueue(message.into()).await
    }

    async fn enqueue(&self, message: Message) -> Result<(), ClientError> {
        let inner = self.inner();
        let space = inner.space(message.len()).await?;
        inner.session().send(message, space)?;
        inner.wake.notify_one();
        Ok(())
    }

    /// What the agent sends and broadcasts beside the protocol.
    ///
    /// The first stream that is asked for has everything since the client was made (as far as the
    /// buffer goes), later ones what comes from then on.
    pub fn messages(&self) -> Feed<Message> {
        Feed::of(self.inner().messages.reader())
    }

    /// What the client is doing about its connection.
    pub fn status(&self) -> watch::Receiver<Status> {
        self.inner().status.clone()
    }

    /// Waits until the client has stopped, and says why.
    pub async fn closed(&self) -> ClientError {
        let mut status = self.status();
        // The sender goes away when the client has stopped.
        match status.wait_for(|status| matches!(status, Status::Closed(_))).await {
            Ok(_) | Err(_) => self.inner().end(),
        }
    }

    /// Closes the connection with a code and a reason, for good.
    ///
    /// Calls that have no answer yet fail with [`ClientError::Closed`]; messages and states that
    /// are still in the buffer are sent first if there is a connection.
    ///
    /// # Errors
    /// [`ClientError::CloseCode`] for codes other than 1000 and 3000-4999 and for reasons over 123
    /// bytes; the error the client had stopped with if it was not this call that stopped it.
    pub async fn close(&self, code: u16, reason: &str) -> Result<(), ClientError> {
        self.inner().close(CloseFrame::new(code, reason)?);
        match self.closed().await {
            ClientError::Closed => Ok(()),
            other => Err(other),
        }
    }
}
