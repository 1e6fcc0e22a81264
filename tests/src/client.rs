//! The client of the tests: `TestConnection` over TCP, with answers as JSON values.

use std::net::SocketAddr;
use std::ops::{Deref, DerefMut};

use agents::serde_json::Value;
use agents::testing::{Received, TestConnection, Transport};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::handshake::client::Response;

use crate::patient;

/// A WebSocket to a server. The other methods are those of [`TestConnection`].
#[derive(Debug)]
pub struct Client(TestConnection);

impl Client {
    /// Opens a WebSocket with extra headers.
    pub async fn connect(addr: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Self {
        Self::try_connect(addr, path, headers).await.expect("the handshake").0
    }

    /// Opens a WebSocket, or returns the reason for which the handshake failed.
    ///
    /// # Errors
    /// The response of the server if it is not 101.
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

    /// Reads the identity frame, the state frame (if one must come) and the MCP frame. Returns the state.
    pub async fn greeting(&mut self, state: bool) -> Option<Value> {
        let got = self.0.greeting().await;
        assert_eq!(got.is_some(), state, "the state on connect: {got:?}");
        got
    }

    /// Calls a method and returns its result, or `null` if it has none. An error fails the test.
    pub async fn call(&mut self, method: &str, args: Value) -> Value {
        self.0.call(method, args).await
    }

    /// Sends a close frame, which is empty without a code, and returns all that the server sends until the
    /// end.
    pub async fn close(self, frame: Option<(u16, &str)>) -> Received {
        self.0.close(frame).await
    }

    /// Returns the underlying stream, to send bytes that a client would not send.
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
