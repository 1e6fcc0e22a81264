//! The listener: accepts TCP connections and serves HTTP on them.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::response::{IntoResponse, Response};
use http::header::HOST;
use http::uri::Authority;
use http::{Request, StatusCode, Version};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use parking_lot::Mutex;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::Service;

use crate::limits::Limit;
use crate::limits::Limits;
use crate::server::Host;
use crate::server::http::guarded_body;
use crate::server::http::write_timeout::WriteTimeout;
use crate::support::sampled::sampled;

/// The maximum size of a connection's buffer in bytes, beyond the head of a request.
const BUFFER: usize = 64 * 1024;
/// The default limit of hyper for the number of headers.
const HEADERS: usize = 100;
/// The pause after the system could not accept a connection.
const PAUSE: Duration = Duration::from_millis(100);

/// Serves until `stop` is cancelled, and returns when every connection has ended. The limits of the host
/// apply to any service.
pub(in crate::server) async fn serve<S>(
    listener: TcpListener,
    host: Host,
    service: S,
    stop: CancellationToken,
) where
    S: Service<Request<Body>, Response = Response, Error = Infallible, Future: Send> + Clone + Send + 'static,
{
    let builder = builder(host.limits());
    let pool = HttpConnectionPool::new(host.limits().http_connections);
    let connections = TaskTracker::new();
    let mut failing = false;
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) if is_of_one_connection(&error) => continue,
            Err(error) => {
                // Usually too many files are open. This is logged once, and accepting is retried when some
                // may be free.
                if !std::mem::replace(&mut failing, true) {
                    tracing::error!(%error, "no connection can be accepted");
                }
                tokio::select! {
                    () = tokio::time::sleep(PAUSE) => continue,
                    () = stop.cancelled() => break,
                }
            }
        };
        failing = false;
        if let Err(error) = stream.set_nodelay(true) {
            sampled!(DEBUG, "sockets that wait", %error, "TCP_NODELAY was not set");
        }
        let (slot, made_room) = pool.enter();
        if made_room {
            host.gateway().totals.limits.record(Limit::HttpConnections);
        }
        if let Some(slot) = slot {
            let stream = WriteTimeout::new(stream, host.shared_gateway(), host.limits().write_timeout);
            let connection = Connection { stream, peer, slot, host: host.clone() };
            connections.spawn(connection.speak(builder.clone(), service.clone(), stop.clone()));
        }
    }
    drop(listener);
    connections.close();
    connections.wait().await;
}

fn builder(limits: &Limits) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new());
    builder.header_read_timeout(limits.handshake_timeout);
    builder.max_header_size(limits.header_bytes);
    builder.max_buf_size(limits.header_bytes.saturating_add(1).max(BUFFER));
    if limits.headers != HEADERS {
        builder.max_headers(limits.headers);
    }
    builder
}

/// A connection that is not a WebSocket, or not yet.
struct Connection {
    stream: WriteTimeout,
    peer: SocketAddr,
    slot: HttpConnectionSlot,
    host: Host,
}

impl Connection {
    /// Serves HTTP until the connection ends or becomes a WebSocket.
    async fn speak<S>(self, builder: http1::Builder, service: S, stop: CancellationToken)
    where
        S: Service<Request<Body>, Response = Response, Error = Infallible, Future: Send> + Clone,
    {
        let Self { stream, peer, slot, host } = self;
        let close_request = slot.close_request.clone();
        let slot = Arc::new(slot);
        let answer = service_fn(move |request: Request<Incoming>| {
            let busy = ActiveRequest::new(slot.clone());
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(ConnectInfo(peer));
            let answer = names_host(&request).then(|| service.clone().call(request));
            async move {
                let answer = match answer {
                    Some(answer) => answer.await.unwrap_or_else(|never| match never {}),
                    None => (StatusCode::BAD_REQUEST, "a request must name one host").into_response(),
                };
                Ok::<Response, Infallible>(guarded_body::keep(answer, busy))
            }
        });
        let connection = builder.serve_connection(TokioIo::new(stream), answer).with_upgrades();
        tokio::pin!(connection);
        let mut stopping = false;
        loop {
            tokio::select! {
                ended = &mut connection => {
                    if let Err(error) = ended {
                        if error.is_timeout() {
                            host.gateway().totals.limits.record(Limit::HandshakeTimeout);
                        } else if error.is_parse_too_large() {
                            host.gateway().totals.limits.record(Limit::HeaderBytes);
                        }
                        sampled!(DEBUG, "connections that broke off", %error, "a connection ended with an error");
                    }
                    return;
                }
                () = close_request.notified() => return,
                () = stop.cancelled(), if !stopping => {
                    stopping = true;
                    connection.as_mut().graceful_shutdown();
                }
            }
        }
    }
}

/// Returns whether a request names one host, as HTTP requires.
fn names_host(request: &Request<Body>) -> bool {
    let mut hosts = request.headers().get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (None, _) => request.version() < Version::HTTP_11,
        (Some(host), None) => {
            let host = host.as_bytes();
            host.is_empty() || !host.contains(&b'@') && Authority::try_from(host).is_ok()
        }
        (Some(_), Some(_)) => false,
    }
}

/// Returns whether an error concerns only the connection that was to be accepted, and not the next one.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// The slots for connections that are not a WebSocket, or not yet.
///
/// If all slots are taken, a new connection closes the connection that has waited longest without a request,
/// whether or not that one had a request before. A client that has a request sends it immediately, so clients
/// that only hold slots cannot block it.
#[derive(Debug)]
struct HttpConnectionPool {
    most: usize,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    /// The connections without a request, oldest first.
    waiting: BTreeMap<u64, Arc<Notify>>,
    busy: usize,
    next: u64,
}

/// The number of a slot that is not in the queue of waiting connections.
const BUSY: u64 = u64::MAX;

#[derive(Debug)]
struct HttpConnectionSlot {
    pool: Arc<HttpConnectionPool>,
    /// The position in the queue of waiting connections, or [`BUSY`].
    number: AtomicU64,
    close_request: Arc<Notify>,
}

/// A request that is being answered; its connection is not closed for another one.
#[derive(Debug)]
struct ActiveRequest(Arc<HttpConnectionSlot>);

impl HttpConnectionPool {
    fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most: most.max(1), inner: Mutex::default() })
    }

    /// Returns a slot if there is one, and whether the pool was full.
    fn enter(self: &Arc<Self>) -> (Option<HttpConnectionSlot>, bool) {
        let mut inner = self.inner.lock();
        let full = inner.waiting.len() + inner.busy >= self.most;
        if full {
            match inner.waiting.pop_first() {
                Some((_, close_request)) => close_request.notify_one(),
                None => return (None, true),
            }
        }
        let close_request = Arc::new(Notify::new());
        let number = AtomicU64::new(inner.wait(close_request.clone()));
        let slot = HttpConnectionSlot { pool: self.clone(), number, close_request };
        (Some(slot), full)
    }
}

impl Inner {
    /// Adds a connection to the end of the queue.
    fn wait(&mut self, close_request: Arc<Notify>) -> u64 {
        let number = self.next;
        self.next += 1;
        self.waiting.insert(number, close_request);
        number
    }
}

impl ActiveRequest {
    /// Marks the connection as busy when a request arrives.
    fn new(slot: Arc<HttpConnectionSlot>) -> Self {
        let mut inner = slot.pool.inner.lock();
        // A connection that was asked to close is not in the queue any more.
        if inner.waiting.remove(&slot.number.load(Ordering::Relaxed)).is_some() {
            inner.busy += 1;
            slot.number.store(BUSY, Ordering::Relaxed);
        }
        drop(inner);
        Self(slot)
    }
}

impl Drop for ActiveRequest {
    /// Returns the connection to the queue after the answer, since its next request may come late.
    fn drop(&mut self) {
        let mut inner = self.0.pool.inner.lock();
        if self.0.number.load(Ordering::Relaxed) == BUSY {
            inner.busy -= 1;
            let number = inner.wait(self.0.close_request.clone());
            self.0.number.store(number, Ordering::Relaxed);
        }
    }
}

impl Drop for HttpConnectionSlot {
    fn drop(&mut self) {
        // A busy connection was returned to the queue before.
        self.pool.inner.lock().waiting.remove(self.number.get_mut());
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn requests_name_one_host() {
        let named = |version, hosts: &[&str]| {
            let mut request = Request::builder().version(version);
            for host in hosts {
                request = request.header(HOST, *host);
            }
            names_host(&request.body(Body::empty()).unwrap())
        };
        for hosts in [&["a.example"][..], &["a.example:80"], &["[::1]:80"], &["127.0.0.1"], &[""]] {
            assert!(named(Version::HTTP_11, hosts), "{hosts:?}");
        }
        for hosts in [&["a", "b"][..], &["a", "a"], &["a b"], &["a/b"], &["user@a"], &["a:b:c"]] {
            assert!(!named(Version::HTTP_11, hosts), "{hosts:?}");
        }
        assert!(!named(Version::HTTP_11, &[]));
        assert!(named(Version::HTTP_10, &[]) && !named(Version::HTTP_10, &["a", "b"]));
    }

    #[test]
    fn whoever_waits_longest_without_a_request_makes_room() {
        let pool = HttpConnectionPool::new(2);
        let enter = || Arc::new(pool.enter().0.unwrap());
        let (first, second) = (enter(), enter());
        let answering = ActiveRequest::new(first.clone());
        let (third, made_room) = pool.enter();
        let third = third.unwrap();
        assert!(made_room);
        assert!(second.close_request.notified().now_or_never().is_some());
        assert!(first.close_request.notified().now_or_never().is_none(), "its request is being answered");
        let third = Arc::new(third);
        let answering_too = ActiveRequest::new(third.clone());
        assert!(matches!(pool.enter(), (None, true)), "the requests of all connections are being answered");
        drop(answering);
        assert!(matches!(pool.enter(), (Some(_), true)), "one connection is waiting again");
        assert!(first.close_request.notified().now_or_never().is_some());
        let late = ActiveRequest::new(first.clone());
        drop((late, answering_too, first, second));
        assert!(matches!(pool.enter(), (Some(_), false)));
        drop(third);
        let inner = pool.inner.lock();
        assert_eq!((inner.waiting.len(), inner.busy), (0, 0));
    }
}
