//! The task that owns the socket: connects, reads, writes, reconnects.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, timeout};
#[cfg(feature = "tls")]
use tokio_tungstenite::connect_async_tls_with_config;
#[cfg(not(feature = "tls"))]
use tokio_tungstenite::connect_async_with_config;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::{self, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error as SocketError, Message as Frame};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use agents_protocol::wire::close_code;

use crate::connection::close::closed_by_server;
use crate::connection::inner::Inner;
use crate::{ClientError, Lost, Message, Status};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// The sender of the result of the first attempt; if it is set, a failure of the first attempt is final.
pub(crate) type Opened = oneshot::Sender<Result<(), ClientError>>;

/// The time after which an open connection resets the back-off. Without this, a server that
/// accepts and then immediately closes would be contacted again without any back-off.
const STABLE: Duration = Duration::from_secs(5);
/// The time that the other side has to answer a close.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(3);
/// The time to read the remaining frames of the server after the connection has ended.
const LAST_WORDS: Duration = Duration::from_millis(250);

/// A guard that ends all calls when the task ends in any way; the runtime may drop the task at any await.
struct Settle(Arc<Inner>);

impl Drop for Settle {
    fn drop(&mut self) {
        self.0.finish(ClientError::Closed);
    }
}

pub(crate) async fn run(inner: Arc<Inner>, opened: Option<Opened>) {
    let settle = Settle(inner);
    let mut opened = opened;
    let end = drive(&settle.0, &mut opened).await;
    settle.0.finish(end.clone());
    if let Some(opened) = opened {
        drop(opened.send(Err(end)));
    }
}

/// Runs until the client has stopped, and returns the reason.
async fn drive(inner: &Inner, opened: &mut Option<Opened>) -> ClientError {
    let mut delays = inner.config.reconnect.start();
    loop {
        inner.session().watches.status.send_replace(Status::Connecting);
        let Some(attempt) = unless_closing(inner, connect(inner)).await else {
            return ClientError::Closed;
        };
        let why = match attempt {
            Ok(socket) => {
                inner.session().opened();
                let since = Instant::now();
                if let Some(opened) = opened.take() {
                    drop(opened.send(Ok(())));
                }
                let end = pump(inner, socket).await;
                if inner.session().closing().is_some() {
                    return ClientError::Closed;
                }
                let why = match end {
                    Ok(why) => why,
                    Err(end) => return end,
                };
                inner.session().lost(&why);
                if since.elapsed() >= STABLE {
                    delays = inner.config.reconnect.start();
                }
                why
            }
            Err(why) if opened.is_some() => return ClientError::Connect(why),
            Err(why) => why,
        };
        let Some((attempt, delay)) = delays.next() else {
            return ClientError::Connect(why);
        };
        let waiting = Status::Waiting { attempt, delay, why };
        inner.session().watches.status.send_replace(waiting);
        if unless_closing(inner, sleep(delay)).await.is_none() {
            return ClientError::Closed;
        }
    }
}

/// Runs a future while there is no connection, until the user closes the client.
async fn unless_closing<T>(inner: &Inner, future: impl Future<Output = T>) -> Option<T> {
    let closing = async {
        while inner.session().closing().is_none() {
            // New frames wake this task too: they stay buffered, and the writer checks the buffer before it
            // waits.
            inner.wake.notified().await;
        }
    };
    tokio::select! {
        biased;
        () = closing => None,
        out = future => Some(out),
    }
}

async fn connect(inner: &Inner) -> Result<Socket, Lost> {
    let config = &inner.config;
    let attempt = async {
        let address = inner.address().await.map_err(Lost::Transport)?;
        let mut request = address.into_client_request().map_err(lost)?;
        request.headers_mut().extend(config.headers.clone());
        let mut limits = WebSocketConfig::default();
        limits.max_message_size = Some(config.max_message_size);
        limits.max_frame_size = Some(config.max_message_size);
        #[cfg(feature = "tls")]
        let connecting = connect_async_tls_with_config(
            request,
            Some(limits),
            true,
            Some(crate::connection::tls::connector(&config.roots)?),
        );
        #[cfg(not(feature = "tls"))]
        let connecting = connect_async_with_config(request, Some(limits), true);
        let (socket, _) = connecting.await.map_err(lost)?;
        Ok(socket)
    };
    timeout(config.connect_timeout, attempt).await.unwrap_or(Err(Lost::Silent))
}

/// Reads and writes until the connection ends. An error is final.
async fn pump(inner: &Inner, socket: Socket) -> Result<Lost, ClientError> {
    let (sink, stream) = socket.split();
    let ping = AtomicBool::new(false);
    // Reading and writing run concurrently. If a writer that waits for the server stopped the reading, two
    // full pipes would wait for each other.
    let reader = read(inner, stream, &ping);
    let writer = write(inner, sink, &ping);
    tokio::pin!(reader);
    tokio::select! {
        end = &mut reader => end,
        written = writer => match written {
            Ok(()) => timeout(CLOSE_TIMEOUT, reader).await.unwrap_or(Err(ClientError::Closed)),
            // The reason may be in a close frame that has arrived and has not been read yet.
            Err(why) => match timeout(LAST_WORDS, reader).await {
                Ok(Err(end)) => Err(end),
                Ok(Ok(closed @ Lost::Closed { .. })) => Ok(closed),
                _ => Ok(why),
            },
        },
    }
}

async fn read(
    inner: &Inner,
    mut stream: SplitStream<Socket>,
    ping: &AtomicBool,
) -> Result<Lost, ClientError> {
    let mut closed = None;
    let mut pinged = false;
    let why = loop {
        let limit = if closed.is_some() { LAST_WORDS } else { inner.config.heartbeat };
        let Ok(next) = timeout(limit, stream.next()).await else {
            if pinged || closed.is_some() {
                break Lost::Silent;
            }
            pinged = true;
            ping.store(true, Ordering::Relaxed);
            inner.wake.notify_one();
            continue;
        };
        pinged = false;
        match next {
            Some(Ok(Frame::Text(text))) => {
                let mut session = inner.session();
                session.receive(text.as_str());
                if session.has_frames() {
                    inner.wake.notify_one();
                }
            }
            Some(Ok(Frame::Binary(bytes))) => inner.session().message(Message::Binary(bytes)),
            Some(Ok(Frame::Close(frame))) => {
                closed = Some(match frame {
                    Some(frame) => (frame.code.into(), frame.reason.as_str().to_owned()),
                    None => (close_code::NO_CODE, String::new()),
                });
                // If this client closed, only the answer to its close frame was awaited. Otherwise reading on
                // sends the answer, and the server ends the connection.
                if inner.session().closing().is_some() {
                    break Lost::Silent;
                }
            }
            Some(Ok(_)) => {}
            Some(Err(error)) => break lost(error),
            None => break lost(SocketError::ConnectionClosed),
        }
    };
    match closed {
        Some((code, reason)) => closed_by_server(code, reason),
        None => Ok(why),
    }
}

/// Writes until the user closes the client, and then writes the close frame.
async fn write(inner: &Inner, mut sink: SplitSink<Socket, Frame>, ping: &AtomicBool) -> Result<(), Lost> {
    loop {
        while let Some(message) = next_frame(inner) {
            sink.feed(message).await.map_err(lost)?;
        }
        if ping.swap(false, Ordering::Relaxed) {
            sink.feed(Frame::Ping(bytes::Bytes::new())).await.map_err(lost)?;
        }
        sink.flush().await.map_err(lost)?;
        let close = inner.session().closing().cloned();
        if let Some(close) = close {
            let frame = protocol::CloseFrame { code: close.code.into(), reason: close.reason.into() };
            return sink.send(Frame::Close(Some(frame))).await.map_err(lost);
        }
        inner.wake.notified().await;
    }
}

fn next_frame(inner: &Inner) -> Option<Frame> {
    let message = inner.session().next_frame()?;
    Some(match message {
        Message::Text(text) => Frame::Text(text.into()),
        Message::Binary(bytes) => Frame::Binary(bytes),
    })
}

fn lost(error: SocketError) -> Lost {
    match error {
        SocketError::Http(response) => Lost::Handshake(response.status()),
        SocketError::ConnectionClosed | SocketError::AlreadyClosed => {
            Lost::Transport("the connection ended without a close frame".to_owned())
        }
        other => Lost::Transport(other.to_string()),
    }
}
