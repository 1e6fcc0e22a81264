//! The WebSocket of a client, with a minimum of work for each frame.

use std::io::{Error, ErrorKind, Result};
use std::net::SocketAddr;
use std::ops::Range;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::frame;

/// An open WebSocket.
#[derive(Debug)]
pub struct Socket {
    stream: TcpStream,
    input: Vec<u8>,
    /// The start of the next frame in the buffer.
    read: usize,
    output: Vec<u8>,
}

impl Socket {
    /// Connects and upgrades.
    ///
    /// # Errors
    /// Errors of the network, and a status other than 101.
    pub async fn open(address: SocketAddr, target: &str) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let mut socket = Self { stream, input: Vec::new(), read: 0, output: Vec::new() };
        // The key is the example of RFC 6455: the accept value of the server is not checked.
        let request = format!(
            "GET {target} HTTP/1.1\r\nhost: {address}\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        socket.output.extend(request.as_bytes());
        socket.flush().await?;
        loop {
            socket.fill().await?;
            if let Some(end) = memchr::memmem::find(&socket.input, b"\r\n\r\n") {
                if !socket.input.starts_with(b"HTTP/1.1 101") {
                    let line = socket.input.split(|byte| *byte == b'\r').next().unwrap_or_default();
                    return Err(Error::other(String::from_utf8_lossy(line).into_owned()));
                }
                socket.read = end + 4;
                return Ok(socket);
            }
        }
    }

    /// Appends bytes that [`frame::encode`] has made; [`flush`](Self::flush) sends them.
    pub fn push(&mut self, encoded: &[u8]) {
        self.output.extend(encoded);
    }

    /// Sends all pushed bytes.
    ///
    /// # Errors
    /// Errors of the network.
    pub async fn flush(&mut self) -> Result<()> {
        if !self.output.is_empty() {
            self.stream.write_all(&self.output).await?;
            self.output.clear();
        }
        Ok(())
    }

    /// Waits for bytes.
    ///
    /// # Errors
    /// Errors of the network, and the end of the connection.
    pub async fn fill(&mut self) -> Result<()> {
        if self.read == self.input.len() {
            self.input.clear();
        } else if self.read > 0 {
            self.input.drain(..self.read);
        }
        self.read = 0;
        self.input.reserve(4096);
        match self.stream.read_buf(&mut self.input).await? {
            0 => Err(ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }

    /// Takes the next complete data frame. [`payload`](Self::payload) returns its content.
    ///
    /// Pings are answered with the next flush.
    ///
    /// # Errors
    /// When the server has closed the connection.
    pub fn next_data(&mut self) -> Result<Option<Range<usize>>> {
        while let Some((opcode, range)) = frame::decode(&self.input[self.read..]) {
            let payload = self.read + range.start..self.read + range.end;
            self.read = payload.end;
            match opcode {
                frame::PING => frame::encode(&mut self.output, frame::PONG, &self.input[payload]),
                frame::PONG => {}
                frame::CLOSE => {
                    let (code, reason) =
                        self.input[payload].split_first_chunk::<2>().unwrap_or((&[0, 0], &[]));
                    let (code, reason) = (u16::from_be_bytes(*code), String::from_utf8_lossy(reason));
                    return Err(Error::new(
                        ErrorKind::ConnectionAborted,
                        format!("closed with {code} {reason}"),
                    ));
                }
                _ => return Ok(Some(payload)),
            }
        }
        Ok(None)
    }

    /// Returns the content of a frame. The range is valid until the next [`fill`](Self::fill).
    pub fn payload(&self, range: Range<usize>) -> &[u8] {
        &self.input[range]
    }

    /// Frees unused memory, for sockets that are mostly idle.
    pub fn shrink(&mut self) {
        if self.read == self.input.len() {
            self.input = Vec::new();
            self.read = 0;
        }
        self.output.shrink_to_fit();
    }

    /// Closes with code 1000 and waits for the answer and the end of the stream.
    ///
    /// # Errors
    /// Errors of the network, and a close frame with another code.
    pub async fn close(mut self) -> Result<()> {
        frame::encode(&mut self.output, frame::CLOSE, &1000u16.to_be_bytes());
        self.flush().await?;
        let mut answered = false;
        loop {
            match self.next_data() {
                Ok(Some(_)) => continue,
                Ok(None) => {}
                Err(error) if error.to_string().starts_with("closed with 1000") => answered = true,
                Err(error) => return Err(error),
            }
            match self.fill().await {
                Ok(()) => {}
                Err(error) if answered && error.kind() == ErrorKind::UnexpectedEof => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }
}
