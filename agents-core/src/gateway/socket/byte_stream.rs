//! The byte stream below a socket.

use std::fmt;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// A byte stream in both directions.
pub(crate) trait Connection: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Connection for T {}

/// A stream for a WebSocket.
pub(crate) struct Stream {
    pub(super) io: Io,
    /// The bytes that were read together with the handshake.
    pub(super) early: Bytes,
}

/// A plain TCP stream, which is not boxed, or any other stream.
pub(super) enum Io {
    Tcp(TcpStream),
    Other(Box<dyn Connection>),
}

impl Stream {
    pub(crate) fn tcp(io: TcpStream, early: Bytes) -> Self {
        Self { io: Io::Tcp(io), early }
    }

    pub(crate) fn other(io: impl Connection + 'static) -> Self {
        Self { io: Io::Other(Box::new(io)), early: Bytes::new() }
    }
}

impl Io {
    fn both(&mut self) -> Pin<&mut dyn Connection> {
        match self {
            Self::Tcp(io) => Pin::new(io),
            Self::Other(io) => Pin::new(io.as_mut()),
        }
    }
}

impl AsyncRead for Io {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.both().poll_read(cx, buf)
    }
}

impl AsyncWrite for Io {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.both().poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.both().poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.both().poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.both().poll_write_vectored(cx, slices)
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream").field("early", &self.early.len()).finish_non_exhaustive()
    }
}
