//! The client of the tests: `TestConnection` over TCP, with answers as JSON values.

use std::net::SocketAddr;
use std::ops::{Deref, DerefMut};

use agents::serde_json::Value;
use agents::testing::{Received, TestConnection, Transport};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::handshake::client::Response;

use crate::patient;

/// A WebSocket on a server; whatever is not here comes from [`TestConnection`].
#[derive(Debug)]
pub struct Client(TestConnection);

impl Client {
    /// Opens a WebSocket with extra headers.
    pub async fn connect(addr: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Self {
        Self::try_connect(addr, path, headers).await.expect("the handshake").0
    }

    /// Opens a WebSocket, or tells how the handshake failed.
    ///
    /// # Errors
    /// What the server answered instead of 101.
    pub async fn try_connect(
        addr: SocketAddr,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Result<(Self, Response), Box<Error>> {
        let stream = patient(TcpStream::connect(addr)).await.expect("a connection");
        stream.set_nodelay(true).expect("TCP_NODELAY");
        let (connection, response) =
            TestConnection::try_open(stream, &addr.to_string(), path, headers).await?;
        Ok((Self(connection), response))
    }

    /// Takes identity, state (if there has to be one) and MCP frame, and returns the state.
    pub async fn greeting(&mut self, state: bool) -> Option<Value> {
        let got = self.0.greeting().await;
        assert_eq!(got.is_some(), state, "the state on connect: {got:?}");
        got
    }

    /// Calls a method and returns its result, `null` when it has none; an error fails the test.
    pub async fn call(&mut self, method: &str, args: Value) -> Value {
        self.0.call(method, args).await
    }

    /// Sends a close frame, empty without a code, and returns what comes back in the end.
    pub async fn close(self, frame: Option<(u16, &str)>) -> Received {
        self.0.close(frame).await
    }

    /// The stream below, to send what no client would.
    pub fn into_stream(self) -> Box<dyn Transport> {
        self.0.into_transport()
    }
}

impl Deref for Client {
    type Target = TestConnection;

    fn deref(&self) -> &TestConnection {
        &self.0
    }
}

impl DerefMut for Client {
    fn deref_mut(&mut self) -> &mut TestConnection {
        &mut self.0
    }
}
