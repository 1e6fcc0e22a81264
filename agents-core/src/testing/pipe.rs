//! A connection of a client to a host, without a port.

use std::net::{Ipv4Addr, SocketAddr};

use axum::body::Body;
use axum::extract::ConnectInfo;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, duplex};
use tower::ServiceExt;

use crate::server::HostService;

/// The capacity of the pipe in one direction, in bytes.
const CAPACITY: usize = 64 * 1024;

/// A byte stream that a client can use as its connection.
pub trait Transport: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Transport for T {}

/// Opens a connection to a host; a task of its own serves it.
pub(super) fn open(service: HostService) -> Box<dyn Transport> {
    let (client, server) = duplex(CAPACITY);
    let peer = ConnectInfo(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    let service = service_fn(move |request: http::Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(peer);
        service.clone().oneshot(request)
    });
    tokio::spawn(async move {
        let connection = http1::Builder::new().serve_connection(TokioIo::new(server), service);
        if let Err(error) = connection.with_upgrades().await {
            tracing::debug!(%error, "the connection of a test client ended with an error");
        }
    });
    Box::new(client)
}
