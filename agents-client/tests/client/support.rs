//! A server that a test controls frame by frame.

use std::time::Duration;

use agents_client::{AgentClient, AgentClientBuilder, Reconnect};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::{WebSocketStream, accept_hdr_async};

/// A listening server.
pub(crate) struct Server {
    listener: TcpListener,
    /// The address on which the server listens.
    pub(crate) url: String,
}

impl Server {
    /// Listens on a free port.
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        Self { listener, url }
    }

    /// Returns the builder of a client that reconnects fast enough for a test.
    pub(crate) fn client(&self) -> AgentClientBuilder {
        AgentClient::dynamic_builder(&self.url, "ChatRoom", "lobby").reconnect(
            Reconnect::new().min_delay(Duration::from_millis(5)).max_delay(Duration::from_millis(20)),
        )
    }

    /// Connects a client and returns it with the server's end of its connection.
    pub(crate) async fn pair(&self) -> (AgentClient, Peer) {
        let (client, peer) = tokio::join!(self.client().connect(), self.accept());
        (client.unwrap(), peer)
    }

    /// Accepts the next TCP connection, without a handshake.
    pub(crate) async fn accept_tcp(&self) -> TcpStream {
        self.listener.accept().await.unwrap().0
    }

    /// Accepts the next WebSocket.
    pub(crate) async fn accept(&self) -> Peer {
        let mut target = String::new();
        let mut headers = Vec::new();
        #[allow(clippy::result_large_err, reason = "the library's type")]
        let look = |request: &Request, response: Response| {
            target = request.uri().to_string();
            headers = request
                .headers()
                .iter()
                .map(|(name, value)| (name.to_string(), value.to_str().unwrap_or("").to_owned()))
                .collect();
            Ok(response)
        };
        let socket = accept_hdr_async(self.accept_tcp().await, look).await.unwrap();
        Peer { socket, target, headers }
    }
}

/// The server's end of one connection.
pub(crate) struct Peer {
    pub(crate) socket: WebSocketStream<TcpStream>,
    /// Path and query of the upgrade.
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
}

impl Peer {
    /// Returns the next message of any kind, or `None` after the end.
    pub(crate) async fn next(&mut self) -> Option<Message> {
        self.socket.next().await.and_then(Result::ok)
    }

    /// Returns the next text; pings and pongs are skipped.
    pub(crate) async fn text(&mut self) -> String {
        loop {
            match self.next().await {
                Some(Message::Text(text)) => return text.as_str().to_owned(),
                Some(Message::Ping(_) | Message::Pong(_)) => {}
                other => panic!("expected a text, got {other:?}"),
            }
        }
    }

    /// Returns the next text as JSON.
    pub(crate) async fn json(&mut self) -> Value {
        serde_json::from_str(&self.text().await).unwrap()
    }

    /// Returns the id and the method of the next call.
    pub(crate) async fn call(&mut self) -> (String, String) {
        let frame = self.json().await;
        assert_eq!(frame["type"], "rpc", "{frame}");
        (frame["id"].as_str().unwrap().to_owned(), frame["method"].as_str().unwrap().to_owned())
    }

    pub(crate) async fn send(&mut self, message: impl Into<Message>) {
        self.socket.send(message.into()).await.unwrap();
    }

    pub(crate) async fn send_json(&mut self, value: Value) {
        self.send(value.to_string()).await;
    }

    /// Answers a call.
    pub(crate) async fn answer(&mut self, id: &str, result: Value) {
        self.send_json(json!({ "done": true, "id": id, "result": result, "success": true, "type": "rpc" }))
            .await;
    }

    /// Sends an item of a streamed answer.
    pub(crate) async fn chunk(&mut self, id: &str, result: Value) {
        self.send_json(json!({ "done": false, "id": id, "result": result, "success": true, "type": "rpc" }))
            .await;
    }

    pub(crate) async fn fail(&mut self, id: &str, error: &str) {
        self.send_json(json!({ "error": error, "id": id, "success": false, "type": "rpc" })).await;
    }

    /// Sends the frames that a server sends first.
    pub(crate) async fn greet(&mut self, state: Value) {
        self.send_json(
            json!({ "type": "cf_agent_identity", "name": "lobby", "agent": "chat-room", "stateFollows": true }),
        )
        .await;
        self.send_json(json!({ "type": "cf_agent_state", "state": state })).await;
        self.send(
            r#"{"mcp":{"prompts":[],"resources":[],"servers":{},"tools":[]},"type":"cf_agent_mcp_servers"}"#,
        )
        .await;
    }

    /// Closes and waits for the answer.
    pub(crate) async fn close(mut self, code: u16, reason: &str) {
        let frame = CloseFrame { code: code.into(), reason: reason.to_owned().into() };
        self.socket.close(Some(frame)).await.unwrap();
        while self.next().await.is_some() {}
    }

    /// Waits for the client's close, answers it, and returns its code and reason.
    pub(crate) async fn closed(&mut self) -> Option<(u16, String)> {
        let mut out = None;
        while let Some(message) = self.next().await {
            if let Message::Close(frame) = message {
                out = frame.map(|frame| (frame.code.into(), frame.reason.as_str().to_owned()));
            }
        }
        out
    }
}

/// Fails a test that would hang.
pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(10), future).await.expect("the test hangs")
}
