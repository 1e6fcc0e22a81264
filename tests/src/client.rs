//! A plain WebSocket client that shows every frame.

use std::collections::VecDeque;
use std::net::SocketAddr;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::Response;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::patient;

/// What came from the server.
#[derive(Clone, Debug, PartialEq)]
pub enum Received {
    /// A text frame.
    Text(String),
    /// A binary frame.
    Binary(Vec<u8>),
    /// A close frame; 1005 for an empty one.
    Close(u16, String),
    /// The end without a close frame.
    Dropped,
}

impl Received {
    /// The text, or a failed test.
    pub fn text(self) -> String {
        match self {
            Self::Text(text) => text,
            other => panic!("expected text, got {other:?}"),
        }
    }

    /// The JSON in a text frame, or a failed test.
    pub fn json(self) -> Value {
        let text = self.text();
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("not JSON ({error}): {text}"))
    }
}

/// A socket on a server.
#[derive(Debug)]
pub struct Client {
    socket: WebSocketStream<TcpStream>,
    /// Frames that came while waiting for an answer.
    waiting: VecDeque<Received>,
    calls: u64,
}

impl Client {
    /// Opens a socket with extra headers.
    pub async fn connect(addr: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Self {
        Self::try_connect(addr, path, headers).await.expect("the handshake").0
    }

    /// Opens a socket, or tells how the handshake failed.
    ///
    /// # Errors
    /// What the server answered instead of 101.
    pub async fn try_connect(
        addr: SocketAddr,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Result<(Self, Response), Box<Error>> {
        let mut request = format!("ws://{addr}{path}").into_client_request()?;
        for (name, value) in headers {
            let name = name.parse::<agents::http::HeaderName>().expect("a header name");
            request.headers_mut().append(name, value.parse().expect("a header value"));
        }
        let stream = patient(TcpStream::connect(addr)).await.expect("a connection");
        stream.set_nodelay(true).expect("TCP_NODELAY");
        let (socket, response) = patient(tokio_tungstenite::client_async(request, stream)).await?;
        Ok((Self { socket, waiting: VecDeque::new(), calls: 0 }, response))
    }

    /// The next frame, those that came during a call first.
    pub async fn next(&mut self) -> Received {
        match self.waiting.pop_front() {
            Some(frame) => frame,
            None => self.receive().await,
        }
    }

    /// The next frame as JSON.
    pub async fn json(&mut self) -> Value {
        self.next().await.json()
    }

    async fn receive(&mut self) -> Received {
        loop {
            let next = patient(self.socket.next()).await;
            return match next {
                Some(Ok(Message::Text(text))) => Received::Text(text.to_string()),
                Some(Ok(Message::Binary(bytes))) => Received::Binary(bytes.to_vec()),
                Some(Ok(Message::Close(Some(frame)))) => {
                    Received::Close(frame.code.into(), frame.reason.to_string())
                }
                Some(Ok(Message::Close(None))) => Received::Close(1005, String::new()),
                Some(Ok(_)) => continue,
                Some(Err(_)) | None => Received::Dropped,
            };
        }
    }

    /// Takes identity, state (if there is one) and MCP frame, and returns the state.
    pub async fn greeting(&mut self, state: bool) -> Option<Value> {
        let identity = self.json().await;
        assert_eq!(identity["type"], "cf_agent_identity", "{identity}");
        let state = match state {
            true => {
                let mut frame = self.json().await;
                assert_eq!(frame["type"], "cf_agent_state", "{frame}");
                Some(frame["state"].take())
            }
            false => None,
        };
        let mcp = self.json().await;
        assert_eq!(mcp["type"], "cf_agent_mcp_servers", "{mcp}");
        state
    }

    /// Sends text.
    pub async fn send(&mut self, text: impl Into<String>) {
        patient(self.socket.send(Message::text(text.into()))).await.expect("sending");
    }

    /// Sends text; `false` when the server is gone.
    pub async fn try_send(&mut self, text: impl Into<String>) -> bool {
        self.socket.send(Message::text(text.into())).await.is_ok()
    }

    /// Sends bytes.
    pub async fn send_bytes(&mut self, bytes: Vec<u8>) {
        patient(self.socket.send(Message::binary(bytes))).await.expect("sending");
    }

    /// Sends a call and returns its id.
    pub async fn start_call(&mut self, method: &str, args: Value) -> String {
        self.calls += 1;
        let id = format!("call-{}", self.calls);
        self.send(json!({ "type": "rpc", "id": id, "method": method, "args": args }).to_string()).await;
        id
    }

    /// Waits for the last frame of a call; whatever else comes is kept for [`next`](Self::next).
    pub async fn answer(&mut self, id: &str) -> Value {
        let mine = |frame: &Received| match frame {
            Received::Text(text) => serde_json::from_str::<Value>(text)
                .ok()
                .filter(|frame| frame["type"] == "rpc" && frame["id"] == id && frame["done"] != false),
            _ => None,
        };
        if let Some(index) = self.waiting.iter().position(|frame| mine(frame).is_some()) {
            return self.waiting.remove(index).expect("it is there").json();
        }
        loop {
            let frame = self.receive().await;
            if let Some(answer) = mine(&frame) {
                return answer;
            }
            assert!(
                !matches!(frame, Received::Close(..) | Received::Dropped),
                "the socket ended before the answer to {id}: {frame:?}"
            );
            self.waiting.push_back(frame);
        }
    }

    /// Calls a method and returns the whole answer frame.
    pub async fn call_frame(&mut self, method: &str, args: Value) -> Value {
        let id = self.start_call(method, args).await;
        self.answer(&id).await
    }

    /// Calls a method and returns its result, `null` when it has none; an error fails the test.
    pub async fn call(&mut self, method: &str, args: Value) -> Value {
        let mut frame = self.call_frame(method, args).await;
        assert_eq!(frame["success"], true, "{method} failed: {frame}");
        frame["result"].take()
    }

    /// Calls a method and returns the text of its error; a result fails the test.
    pub async fn call_error(&mut self, method: &str, args: Value) -> String {
        let frame = self.call_frame(method, args).await;
        assert_eq!(frame["success"], false, "{method} did not fail: {frame}");
        frame["error"].as_str().expect("an error text").to_owned()
    }

    /// Everything that the server sent up to now.
    ///
    /// It asks for something that is answered in order and returns what came before the answer.
    pub async fn drain(&mut self) -> Vec<Received> {
        self.call_frame("__no_such_method", json!([])).await;
        self.waiting.drain(..).collect()
    }

    /// Everything that the server sent up to now, as JSON.
    pub async fn drain_json(&mut self) -> Vec<Value> {
        self.drain().await.into_iter().map(Received::json).collect()
    }

    /// Sends a close frame, empty without a code, and returns what comes back in the end.
    pub async fn close(mut self, frame: Option<(u16, &str)>) -> Received {
        let frame = frame.map(|(code, reason)| CloseFrame { code: code.into(), reason: reason.into() });
        patient(self.socket.send(Message::Close(frame))).await.expect("sending");
        loop {
            match self.receive().await {
                Received::Text(_) | Received::Binary(_) => {}
                end => return end,
            }
        }
    }

    /// Waits for the end and returns it; frames before it are passed over.
    pub async fn end(&mut self) -> Received {
        loop {
            match self.next().await {
                Received::Text(_) | Received::Binary(_) => {}
                end => return end,
            }
        }
    }

    /// The TCP stream, to send what no client would.
    pub fn into_stream(self) -> TcpStream {
        self.socket.into_inner()
    }
}
