//! A connection that can send anything.

use std::io::{Error, Result};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

/// The time that an attacker waits before it goes on to the next connection.
pub(super) const TIMEOUT: Duration = Duration::from_secs(60);

/// The source address of an attacker, and the address of the server.
#[derive(Clone, Copy, Debug)]
pub(super) struct Road {
    pub(super) from: IpAddr,
    pub(super) server: SocketAddr,
}

impl Road {
    /// Connects and sends nothing.
    pub(super) async fn connect(self) -> Result<TcpStream> {
        let socket = if self.from.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        socket.bind(SocketAddr::new(self.from, 0))?;
        timeout(TIMEOUT, socket.connect(self.server)).await?
    }

    /// Connects and upgrades.
    pub(super) async fn upgrade(self, path: &str) -> Result<TcpStream> {
        let mut stream = self.connect().await?;
        let request = format!(
            "GET {path} HTTP/1.1\r\nhost: {}\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
            self.server
        );
        stream.write_all(request.as_bytes()).await?;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let byte = timeout(TIMEOUT, stream.read_u8()).await??;
            head.push(byte);
        }
        if head.starts_with(b"HTTP/1.1 101") { Ok(stream) } else { Err(Error::other("not upgraded")) }
    }
}

/// Waits until the server closes the connection, and discards all received bytes.
pub(super) async fn closed(stream: &mut TcpStream) -> Result<()> {
    let mut sink = [0; 16 * 1024];
    while timeout(TIMEOUT, stream.read(&mut sink)).await?? > 0 {}
    Ok(())
}
