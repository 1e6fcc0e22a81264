//! The handle of a client.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use agents_protocol::interface::Interface;
use agents_protocol::wire::to_value;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::connection::close::CloseFrame;
use crate::connection::frame;
use crate::connection::inner::Inner;
use crate::stream::{CallStream, Feed, decode};
use crate::{
    AgentClientBuilder, ClientError, ClientTarget, Dynamic, Identity, Message, RemoteCaller, StateWatch,
    Status,
};

/// A connection to one agent.
///
/// A client of a class `A` has the methods of the class, and the type of its state. A client without a class
/// is *dynamic*: it calls methods by name.
///
/// A client is cheap to clone: all clones share one socket. When the last clone is dropped, the connection is
/// closed.
///
/// ```no_run
/// use agents::prelude::*;
/// use agents_client::{AgentClient, ClientError};
///
/// #[agent]
/// #[derive(Default)]
/// struct ChatRoom;
///
/// #[agent]
/// impl ChatRoom {
///     #[callable]
///     fn post(&self, body: String) -> Result<u32> {
///         // ..
///         # drop(body); Ok(1)
///     }
/// }
///
/// async fn run() -> Result<(), ClientError> {
///     let url = "http://127.0.0.1:8787";
///     let room = AgentClient::<ChatRoom>::connect(url, "lobby").await?;
///     let number: u32 = room.post("hello".into()).await?;
///
///     let same = AgentClient::dynamic_builder(url, "ChatRoom", "lobby").connect().await?;
///     let next: u32 = same.call("post", ("hello again",)).await?;
///     assert!(next > number);
///     room.close(1000, "done").await
/// }
/// ```
pub struct AgentClient<A: ClientTarget = Dynamic> {
    caller: RemoteCaller,
    methods: A::Methods,
}

impl<A: Interface> AgentClient<A> {
    /// Connects to the agent `name` of this class.
    ///
    /// The URL is the address of the server, with `http`, `https`, `ws` or `wss`. If the server does not
    /// serve agents at the root, the URL includes the path below which it does.
    ///
    /// # Errors
    /// As [`AgentClientBuilder::connect`].
    pub async fn connect(url: impl AsRef<str>, name: impl AsRef<str>) -> Result<Self, ClientError> {
        Self::builder(url, name).connect().await
    }

    /// Returns a builder of a client of the agent `name` of this class.
    ///
    /// ```no_run
    /// # use agents::prelude::*;
    /// # use agents_client::{AgentClient, ClientError};
    /// # #[agent]
    /// # struct ChatRoom;
    /// # #[agent]
    /// # impl ChatRoom {}
    /// # async fn run() -> Result<(), ClientError> {
    /// let room = AgentClient::<ChatRoom>::builder("http://127.0.0.1:8787", "lobby")
    ///     .query("username", "ann")
    ///     .connect()
    ///     .await?;
    /// # drop(room); Ok(()) }
    /// ```
    pub fn builder(url: impl AsRef<str>, name: impl AsRef<str>) -> AgentClientBuilder<A> {
        AgentClientBuilder::new(url.as_ref(), A::ROUTE, name.as_ref())
    }

    /// Returns the methods of the class. Use this for a method that has the name of a method of the client
    /// itself.
    ///
    /// All others are also methods of the client: `room.post(..)` is `room.methods().post(..)`.
    pub fn methods(&self) -> &A::Methods<RemoteCaller> {
        &self.methods
    }

    /// Replaces the agent's state.
    ///
    /// The local copy changes immediately. The agent does not answer a change that it accepts. A rejection
    /// is an item of [`state_rejections`](Self::state_rejections), and the local copy is reset.
    ///
    /// # Errors
    /// [`ClientError::Serialize`], [`ClientError::TooLarge`], and the errors of a client that has stopped.
    pub fn set_state(&self, state: &A::State) -> impl Future<Output = Result<(), ClientError>> {
        self.push(to_value(state))
    }

    /// Returns a client of the same connection that calls methods by name.
    pub fn dynamic(&self) -> AgentClient {
        AgentClient { caller: self.caller.clone(), methods: () }
    }
}

/// The methods of the class.
impl<A: Interface> Deref for AgentClient<A> {
    type Target = A::Methods<RemoteCaller>;

    fn deref(&self) -> &Self::Target {
        &self.methods
    }
}

impl AgentClient {
    /// Returns a builder of a client of the agent `name` of a class, `ChatRoom` or `chat-room`.
    ///
    /// The URL is the address of the server, with `http`, `https`, `ws` or `wss`. If the server does not
    /// serve agents at the root, the URL includes the path below which it does.
    pub fn dynamic_builder(
        url: impl AsRef<str>,
        class: impl AsRef<str>,
        name: impl AsRef<str>,
    ) -> AgentClientBuilder {
        AgentClientBuilder::new(url.as_ref(), class.as_ref(), name.as_ref())
    }

    /// Returns the agent's current state as a type of your own; `None` if there is none.
    ///
    /// # Errors
    /// [`ClientError::Deserialize`] when the state is of another type.
    pub fn state_as<T: DeserializeOwned>(&self) -> Result<Option<T>, ClientError> {
        let state = self.inner().state.borrow();
        state.as_ref().map(T::deserialize).transpose().map_err(ClientError::deserialize)
    }

    /// Replaces the agent's state.
    ///
    /// The local copy changes immediately. The agent does not answer a change that it accepts. A rejection
    /// is an item of [`state_rejections`](Self::state_rejections), and the local copy is reset.
    ///
    /// # Errors
    /// [`ClientError::Serialize`], [`ClientError::TooLarge`], and the errors of a client that has stopped.
    pub fn set_state<T: Serialize + ?Sized>(
        &self,
        state: &T,
    ) -> impl Future<Output = Result<(), ClientError>> {
        self.push(serde_json::to_value(state))
    }
}

impl<A: ClientTarget> AgentClient<A> {
    pub(crate) fn new(inner: Arc<Inner>) -> Self {
        Self::over(RemoteCaller::new(inner))
    }

    fn over(caller: RemoteCaller) -> Self {
        Self { methods: A::methods(caller.clone()), caller }
    }

    fn inner(&self) -> &Inner {
        &self.caller.handle.0
    }

    /// Calls a method, by its name on the wire (`getStats`), and waits for the answer.
    ///
    /// The arguments are a tuple or an array; `()` means none. While there is no connection,
    /// the call waits in the buffer. The result type of a method that returns nothing is `()`.
    ///
    /// ```no_run
    /// # async fn run(counter: agents_client::AgentClient) -> Result<(), agents_client::ClientError> {
    /// let count: u64 = counter.call("increment", (1,)).await?;
    /// # drop(count); Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ClientError::Rpc`] with the agent's text, [`ClientError::Timeout`],
    /// [`ClientError::Disconnected`] when the connection was lost before the answer arrived, and the
    /// errors of a client that has stopped.
    pub fn call<T: DeserializeOwned>(
        &self,
        method: &str,
        args: impl Serialize,
    ) -> impl Future<Output = Result<T, ClientError>> {
        // Encoded before the future exists, so that the future is `Send` for any argument type.
        self.caller.clone().request(method, frame::arguments(&args), decode)
    }

    /// Returns a client of the same connection with another timeout for calls. Streams have no timeout.
    ///
    /// The default is [`call_timeout`](AgentClientBuilder::call_timeout) of the builder.
    ///
    /// ```no_run
    /// # use agents::prelude::*;
    /// # use agents_client::{AgentClient, ClientError};
    /// # #[agent]
    /// # struct ChatRoom;
    /// # #[agent]
    /// # impl ChatRoom {
    /// #     #[callable]
    /// #     fn post(&self, body: String) {}
    /// # }
    /// # async fn run(room: AgentClient<ChatRoom>) -> Result<(), ClientError> {
    /// room.with_timeout(std::time::Duration::from_secs(2)).post("quickly".into()).await?;
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn with_timeout(&self, limit: Duration) -> Self {
        Self::over(self.caller.with_timeout(limit))
    }

    /// Calls a method that answers with a stream.
    ///
    /// No timeout applies. If the stream is dropped before its end, the agent is asked to stop.
    ///
    /// # Errors
    /// The errors of a client that has stopped. Errors of the call itself are items of the stream.
    pub fn call_streaming<T: DeserializeOwned>(
        &self,
        method: &str,
        args: impl Serialize,
    ) -> impl Future<Output = Result<CallStream<T>, ClientError>> {
        self.caller.clone().open(method, frame::arguments(&args), decode)
    }

    /// Returns a watch of the agent's state, which has no state until the agent sends one, and then always
    /// the newest.
    pub fn state(&self) -> StateWatch<A::State> {
        StateWatch::new(Arc::clone(&self.caller.handle.0))
    }

    fn push(&self, state: serde_json::Result<Value>) -> impl Future<Output = Result<(), ClientError>> {
        let state = state.map_err(ClientError::serialize);
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

    /// Returns the rejections of states that this client has set, with the agent's text.
    ///
    /// The first stream has the rejections since the client was made; each later one has those
    /// after its creation.
    pub fn state_rejections(&self) -> Feed<String> {
        Feed::of(self.inner().rejections.reader())
    }

    /// Waits until the agent has sent its identity and, if it has one, its state.
    ///
    /// After this the agent has accepted the connection.
    ///
    /// # Errors
    /// [`ClientError::Refused`] when the agent has refused the connection, [`ClientError::Timeout`] after the
    /// timeout of calls: an agent can be configured not to send its identity.
    pub async fn identity(&self) -> Result<Identity, ClientError> {
        let mut identity = self.inner().identity.clone();
        let known = async {
            match identity.wait_for(Option::is_some).await {
                Ok(known) => known.clone().ok_or(ClientError::Closed),
                Err(_) => Err(self.inner().end()),
            }
        };
        timeout(self.caller.limit, known).await.unwrap_or(Err(ClientError::Timeout))
    }

    /// Returns the id of the connection, which is the same over reconnects. If another live connection of the
    /// agent already has this id, the agent uses another id for this one.
    pub fn connection_id(&self) -> &str {
        &self.inner().config.connection_id
    }

    /// Returns the MCP servers of the agent as it last reported them, as JSON.
    pub fn mcp_servers(&self) -> watch::Receiver<Option<Value>> {
        self.inner().mcp_servers.clone()
    }

    /// Sends a text or binary message to the agent's message hook.
    ///
    /// This returns when the message is in the buffer.
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

    /// Returns the messages of the agent that are not frames of the protocol.
    ///
    /// The first stream has the messages since the client was made, as far as the
    /// buffer holds them; each later one has those after its creation.
    pub fn messages(&self) -> Feed<Message> {
        Feed::of(self.inner().messages.reader())
    }

    /// Returns the status of the connection.
    pub fn status(&self) -> watch::Receiver<Status> {
        self.inner().status.clone()
    }

    /// Waits until the client has stopped, and returns the reason.
    pub async fn closed(&self) -> ClientError {
        let mut status = self.status();
        // The sender is dropped when the client has stopped.
        match status.wait_for(|status| matches!(status, Status::Closed(_))).await {
            Ok(_) | Err(_) => self.inner().end(),
        }
    }

    /// Closes the connection with a code and a reason, and stops the client.
    ///
    /// Calls without an answer fail with [`ClientError::Closed`]. Messages and states that
    /// are still in the buffer are sent first if there is a connection.
    ///
    /// # Errors
    /// [`ClientError::CloseCode`] for codes other than 1000 and 3000-4999 and for reasons of more than 123
    /// bytes. If the client had already stopped, the error that it stopped with.
    pub async fn close(&self, code: u16, reason: &str) -> Result<(), ClientError> {
        self.inner().close(CloseFrame::new(code, reason)?);
        match self.closed().await {
            ClientError::Closed => Ok(()),
            other => Err(other),
        }
    }
}

impl<A: ClientTarget> Clone for AgentClient<A> {
    fn clone(&self) -> Self {
        Self { caller: self.caller.clone(), methods: Clone::clone(&self.methods) }
    }
}

impl<A: ClientTarget> fmt::Debug for AgentClient<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let config = &self.inner().config;
        f.debug_struct("AgentClient")
            .field("base", &config.base)
            .field("connection_id", &config.connection_id)
            .finish_non_exhaustive()
    }
}
