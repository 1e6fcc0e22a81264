//! A client of a test, which shows every frame.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Weak};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use thiserror::Error;
use tokio_tungstenite::tungstenite;
use tungstenite::client::IntoClientRequest;
use tungstenite::handshake::client::Response;
use tungstenite::protocol::CloseFrame;

use crate::testing::pipe::Transport;
use crate::testing::session::{Session, Shared, patient};

/// A message or the end of a connection, as the client received it.
#[derive(Clone, Debug, PartialEq)]
pub enum Received {
    /// A text message.
    Text(String),
    /// A binary message.
    Binary(Vec<u8>),
    /// A close frame; 1005 for an empty one.
    Close(u16, String),
    /// The end of the connection without a close frame.
    Dropped,
}

impl Received {
    /// Returns the text.
    ///
    /// # Panics
    /// When this is not a text message.
    pub fn text(self) -> String {
        match self {
            Self::Text(text) => text,
            other => panic!("expected text, got {other:?}"),
        }
    }

    /// Returns whether no other message follows.
    pub(super) fn is_end(&self) -> bool {
        matches!(self, Self::Close(..) | Self::Dropped)
    }

    /// Returns the JSON in a text message.
    ///
    /// # Panics
    /// When this is not a text message, or the text is not JSON.
    pub fn json(self) -> Value {
        let text = self.text();
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("not JSON ({error}): {text}"))
    }
}

/// The reason why a call gave no result.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CallError {
    /// The server answered with this error.
    #[error("{0}")]
    Refused(String),
    /// The connection ended before the answer.
    #[error("the connection ended before the answer: {0}")]
    Ended(String),
    /// The result is not of the expected type.
    #[error("the result is not of the expected type: {0}")]
    Unexpected(String),
}

/// A WebSocket client for tests.
///
/// Methods that wait for the server panic after 20 s of the test's clock without a message.
pub struct TestConnection {
    /// Shared with the host of the test, which keeps it connected while time passes.
    session: Arc<Shared>,
    calls: u64,
}

impl TestConnection {
    /// Opens a WebSocket over a transport.
    ///
    /// # Errors
    /// When the handshake fails, with the server's response instead of 101.
    ///
    /// # Panics
    /// When a header is not valid.
    pub async fn try_open(
        transport: impl Transport + 'static,
        host: &str,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Result<(Self, Response), Box<tungstenite::Error>> {
        let mut request = format!("ws://{host}{path}").into_client_request()?;
        for (name, value) in headers {
            let name = name.parse::<http::HeaderName>().expect("a header name");
            request.headers_mut().append(name, value.parse().expect("a header value"));
        }
        let transport: Box<dyn Transport> = Box::new(transport);
        let (socket, response) = patient(tokio_tungstenite::client_async(request, transport)).await?;
        let session = Session { socket, waiting: VecDeque::new() };
        Ok((Self { session: Arc::new(Shared::new(session)), calls: 0 }, response))
    }

    /// Opens a WebSocket over a transport.
    ///
    /// # Panics
    /// When the handshake is refused.
    pub async fn open(
        transport: impl Transport + 'static,
        host: &str,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Self {
        Self::try_open(transport, host, path, headers).await.expect("the handshake").0
    }

    /// Returns the session, for the host that keeps the client connected.
    pub(super) fn session(&self) -> Weak<Shared> {
        Arc::downgrade(&self.session)
    }

    /// Returns the next message; messages that arrived during a call come first.
    pub async fn next(&mut self) -> Received {
        self.session.lock().await.next().await
    }

    /// Returns the next message as JSON.
    pub async fn json(&mut self) -> Value {
        self.next().await.json()
    }

    /// Takes the frames that a new connection to an agent receives (identity, state if it has one, MCP)
    /// and returns the state.
    ///
    /// # Panics
    /// When another frame arrives.
    pub async fn greeting(&mut self) -> Option<Value> {
        let identity = self.json().await;
        assert_eq!(identity["type"], "cf_agent_identity", "{identity}");
        let mut next = self.json().await;
        let state = (next["type"] == "cf_agent_state").then(|| next["state"].take());
        if state.is_some() {
            next = self.json().await;
        }
        assert_eq!(next["type"], "cf_agent_mcp_servers", "{next}");
        state
    }

    /// Sends text.
    ///
    /// # Panics
    /// When the connection has ended.
    pub async fn send(&mut self, text: impl Into<String>) {
        let text = tungstenite::Message::text(text.into());
        self.session.lock().await.send(text).await.expect("the connection is open");
    }

    /// Sends text; returns `false` if the connection has ended.
    pub async fn try_send(&mut self, text: impl Into<String>) -> bool {
        self.session.lock().await.send(tungstenite::Message::text(text.into())).await.is_ok()
    }

    /// Sends bytes.
    ///
    /// # Panics
    /// When the connection has ended.
    pub async fn send_bytes(&mut self, bytes: Vec<u8>) {
        let bytes = tungstenite::Message::binary(bytes);
        self.session.lock().await.send(bytes).await.expect("the connection is open");
    }

    /// Sends a call and returns its id; `args` is a tuple or a list.
    ///
    /// # Panics
    /// When the arguments are no tuple and no list, have no JSON form, or the connection has ended.
    pub async fn start_call(&mut self, method: &str, args: impl Serialize) -> String {
        self.calls += 1;
        let id = format!("call-{}", self.calls);
        let args = match serde_json::to_value(args).expect("arguments") {
            // `()` means no arguments.
            Value::Null => json!([]),
            args @ Value::Array(_) => args,
            one => panic!("the arguments of `{method}` are a tuple or a list: write `({one},)` for one"),
        };
        self.send(json!({ "type": "rpc", "id": id, "method": method, "args": args }).to_string()).await;
        id
    }

    /// Waits for the last frame of a call; other messages are kept for [`next`](Self::next).
    ///
    /// # Errors
    /// When the connection ends before the answer.
    pub async fn try_answer(&mut self, id: &str) -> Result<Value, CallError> {
        let mine = |frame: &Received| match frame {
            Received::Text(text) => serde_json::from_str::<Value>(text)
                .ok()
                .filter(|frame| frame["type"] == "rpc" && frame["id"] == id && frame["done"] != false),
            _ => None,
        };
        let mut session = self.session.lock().await;
        if let Some(index) = session.waiting.iter().position(|frame| mine(frame).is_some())
            && let Some(frame) = session.waiting.remove(index)
        {
            return Ok(frame.json());
        }
        loop {
            let frame = session.receive().await;
            if let Some(answer) = mine(&frame) {
                return Ok(answer);
            }
            let error = frame.is_end().then(|| CallError::Ended(format!("{frame:?}")));
            session.waiting.push_back(frame);
            if let Some(error) = error {
                return Err(error);
            }
        }
    }

    /// Waits for the last frame of a call.
    ///
    /// # Panics
    /// When the connection ends before the answer.
    pub async fn answer(&mut self, id: &str) -> Value {
        self.try_answer(id).await.unwrap_or_else(|error| panic!("{id}: {error}"))
    }

    /// Calls a method and returns the whole answer frame.
    ///
    /// # Panics
    /// When the connection ends before the answer.
    pub async fn call_frame(&mut self, method: &str, args: impl Serialize) -> Value {
        let id = self.start_call(method, args).await;
        self.answer(&id).await
    }

    /// Calls a method; `args` is a tuple or a list of its arguments.
    ///
    /// # Errors
    /// The server's error, the end of the connection, or a result of another type.
    pub async fn try_call<T: DeserializeOwned>(
        &mut self,
        method: &str,
        args: impl Serialize,
    ) -> Result<T, CallError> {
        let id = self.start_call(method, args).await;
        let mut frame = self.try_answer(&id).await?;
        if frame["success"] != true {
            return Err(CallError::Refused(frame["error"].as_str().unwrap_or_default().to_owned()));
        }
        serde_json::from_value(frame["result"].take())
            .map_err(|error| CallError::Unexpected(error.to_string()))
    }

    /// Calls a method and returns its result.
    ///
    /// # Panics
    /// When [`try_call`](Self::try_call) would return an error.
    pub async fn call<T: DeserializeOwned>(&mut self, method: &str, args: impl Serialize) -> T {
        self.try_call(method, args).await.unwrap_or_else(|error| panic!("{method} failed: {error}"))
    }

    /// Calls a method and returns the text of its error.
    ///
    /// # Panics
    /// When there is a result, or the connection ends before the answer.
    pub async fn call_error(&mut self, method: &str, args: impl Serialize) -> String {
        match self.try_call::<Value>(method, args).await {
            Err(CallError::Refused(text)) => text,
            other => panic!("{method} did not fail: {other:?}"),
        }
    }

    /// Returns all messages that the server has sent so far.
    ///
    /// This sends a call to the agent, which is answered in order, and returns the messages that arrive
    /// before the answer.
    ///
    /// # Panics
    /// When the connection ends before the answer.
    pub async fn drain(&mut self) -> Vec<Received> {
        self.call_frame("__no_such_method", ()).await;
        self.session.lock().await.waiting.drain(..).collect()
    }

    /// Returns all messages that the server has sent so far, as JSON.
    ///
    /// # Panics
    /// As [`drain`](Self::drain), and when a message is not JSON.
    pub async fn drain_json(&mut self) -> Vec<Value> {
        self.drain().await.into_iter().map(Received::json).collect()
    }

    /// Sends a close frame, empty without a code, and returns the end of the connection.
    pub async fn close(self, frame: Option<(u16, &str)>) -> Received {
        let frame = frame.map(|(code, reason)| CloseFrame { code: code.into(), reason: reason.into() });
        let mut session = self.session.lock().await;
        if session.send(tungstenite::Message::Close(frame)).await.is_err() {
            return Received::Dropped;
        }
        loop {
            let frame = session.receive().await;
            if frame.is_end() {
                return frame;
            }
        }
    }

    /// Waits for the end of the connection and returns it; earlier messages are skipped.
    pub async fn end(&mut self) -> Received {
        loop {
            match self.next().await {
                Received::Text(_) | Received::Binary(_) => {}
                end => return end,
            }
        }
    }

    /// Stays connected for a while like an idle client: answers pings, and keeps messages for
    /// [`next`](Self::next).
    ///
    /// [`TestHost::advance`](super::TestHost::advance) does the same for all clients that its host opened.
    /// Otherwise the heartbeat of the host closes the connection of a client that does not read.
    pub async fn stay(&mut self, time: Duration) {
        let over = tokio::time::sleep(time);
        tokio::pin!(over);
        let mut session = self.session.lock().await;
        tokio::select! {
            () = &mut over => {}
            () = session.stay() => over.await,
        }
    }

    /// Returns the transport, to send bytes that no client would send.
    ///
    /// # Panics
    /// While [`TestHost::advance`](super::TestHost::advance) runs.
    pub fn into_transport(self) -> Box<dyn Transport> {
        let session = Arc::into_inner(self.session).expect("the host does not advance time meanwhile");
        session.into_inner().socket.into_inner()
    }
}

impl fmt::Debug for TestConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let session = self.session.try_lock().ok();
        let waiting = session.as_ref().map(|session| &session.waiting);
        f.debug_struct("TestConnection").field("waiting", &waiting).finish_non_exhaustive()
    }
}
