//! Requests: whose they are, and what the answer is before an agent is asked.

use std::convert::Infallible;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::{Body, HttpBody};
use axum::extract::ConnectInfo;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_MAX_AGE,
};
use http::{HeaderValue, Method, Request, StatusCode, request};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use hyper_util::server::conn::auto::upgrade::downcast;
use tokio::net::TcpStream;
use tower::{Service, ServiceExt};

use crate::agent::query_value;
use crate::gateway::{self, ForwardError, Head, ObjectPort, Upgrade, wants_upgrade};
use crate::object::{Behavior, BoxFuture, ObjectKey};
use crate::server::address::{self, Address};
use crate::server::patient::Patient;
use crate::server::{Host, answer, body};

/// The longest connection id that is taken from a client; it has to fit a tag.
const MAX_ID_BYTES: usize = 256;

/// The object that a socket is for.
type Target = (ObjectKey, Arc<dyn Behavior>);

/// A [`Host`] as a tower service.
#[derive(Clone)]
pub struct HostService {
    host: Host,
    routes: Option<Router>,
}

impl HostService {
    pub(super) fn new(host: Host) -> Self {
        Self { routes: host.routes(), host }
    }

    pub(super) fn host(&self) -> &Host {
        &self.host
    }

    async fn answer(self, request: Request<Body>) -> Response {
        let path = request.uri().path().to_owned();
        let Some(address) = address::parse(&path) else {
            return match self.routes {
                Some(routes) => match routes.oneshot(request).await {
                    Ok(response) if is_bare_404(&response) => not_found(),
                    Ok(response) => response,
                    Err(never) => match never {},
                },
                None => not_found(),
            };
        };
        if wants_upgrade(request.headers()) {
            self.upgrade(address, request)
        } else {
            self.request(address, request).await
        }
    }

    fn upgrade(&self, address: Address<'_>, request: Request<Body>) -> Response {
        let (mut head, _) = request.into_parts();
        let upgrade = match Upgrade::check(&head) {
            Ok(upgrade) => upgrade,
            Err(response) => return *response,
        };
        if self.host.is_stopping() {
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        }
        let Some(on_upgrade) = head.extensions.remove::<hyper::upgrade::OnUpgrade>() else {
            // Only a server that cannot hand the socket over gets here.
            return (StatusCode::INTERNAL_SERVER_ERROR, "This server cannot upgrade").into_response();
        };
        let uri = head.uri.path_and_query().map_or("/", |uri| uri.as_str()).to_owned();
        // A refusal goes behind the handshake: a client retries a refused handshake for ever.
        let target = match self.host.origins().allow(&head.headers) {
            true => self.target(address, &uri),
            false => Err((4403, "origin not allowed")),
        };
        let wanted = query_value(&uri, "_pk").map(std::borrow::Cow::into_owned);
        let wanted =
            wanted.filter(|id| !id.is_empty() && id.len() <= MAX_ID_BYTES.min(self.host.limits().tag_bytes));
        let head = self.plain_head(&head, uri);
        let target = target.and_then(|target| Ok((target, self.host.admission().upgrade(head.client)?)));
        let host = self.host.clone();
        self.host.sockets().spawn(async move {
            let stream = match on_upgrade.await {
                Ok(upgraded) => stream(upgraded),
                Err(error) => return tracing::debug!(%error, "a client left during the handshake"),
            };
            match target {
                Ok(((key, behavior), place)) => {
                    let find = || {
                        let object = host.object(&key, &behavior);
                        let port: Arc<dyn ObjectPort> = object.clone();
                        (object.hub().clone(), port)
                    };
                    if let Some(socket) = gateway::open(stream, find, wanted, head, place).await {
                        // A task of its own, that is no larger than a socket at rest needs.
                        host.sockets().spawn(socket);
                    }
                }
                Err((code, reason)) => gateway::refuse(stream, host.gateway(), code, reason).await,
            }
        });
        upgrade.response()
    }

    fn target(&self, address: Address<'_>, uri: &str) -> Result<Target, (u16, &'static str)> {
        let behavior = self.host.class(address.class).ok_or((4404, "unknown agent class"))?;
        address::check_name(address.name, self.host.limits().name_bytes).map_err(|reason| (4400, reason))?;
        if query_value(uri, "__agents_transport").as_deref() == Some("capnweb") {
            return Err((4400, "the transport capnweb is not supported"));
        }
        Ok((key(address), behavior.clone()))
    }

    fn plain_head(&self, head: &request::Parts, uri: String) -> Head {
        let peer = head.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0);
        let headers = head.headers.iter();
        Head {
            method: head.method.to_string(),
            uri,
            headers: headers
                .map(|(name, value)| (name.to_string(), Bytes::copy_from_slice(value.as_bytes())))
                .collect(),
            peer,
            client: self.host.proxies().client(peer, &head.headers),
        }
    }

    async fn request(&self, address: Address<'_>, request: Request<Body>) -> Response {
        let Some(behavior) = self.host.class(address.class) else {
            return (StatusCode::BAD_REQUEST, "Invalid request").into_response();
        };
        if !self.host.origins().allow(request.headers()) {
            return (StatusCode::FORBIDDEN, "Origin not allowed").into_response();
        }
        let mut response = if self.host.cors() && request.method() == Method::OPTIONS {
            StatusCode::OK.into_response()
        } else {
            self.forward(address, behavior, request).await
        };
        if self.host.cors() {
            let headers = response.headers_mut();
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
            headers
                .insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST, HEAD, OPTIONS"));
            headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("*"));
            headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("86400"));
        }
        response
    }

    async fn forward(
        &self,
        address: Address<'_>,
        behavior: &Arc<dyn Behavior>,
        request: Request<Body>,
    ) -> Response {
        if let Err(reason) = address::check_name(address.name, self.host.limits().name_bytes) {
            return (StatusCode::BAD_REQUEST, reason).into_response();
        }
        if self.host.is_stopping() {
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        }
        let (head, body) = request.into_parts();
        let uri = head.uri.path_and_query().map_or("/", |uri| uri.as_str()).to_owned();
        let mut head = self.plain_head(&head, uri);
        let place = match self.host.admission().request(head.client) {
            Ok(place) => place,
            Err(refused) => return *refused,
        };
        let limits = self.host.limits();
        let collected =
            body::collect(body, limits.body_bytes, limits.body_timeout, self.host.gateway()).await;
        let (mut body, mut held) = match collected {
            Ok(collected) => collected,
            Err(refused) => return refused.into_response(),
        };
        loop {
            let object = self.host.object(&key(address), behavior);
            let port: Arc<dyn ObjectPort> = object.clone();
            match gateway::forward(object.hub().clone(), port, head, body, held).await {
                Ok(response) => return answer::keep(response, place),
                Err(ForwardError::Retired(back, bytes, memory)) => (head, body, held) = (back, bytes, memory),
                Err(ForwardError::Broken) => {
                    return (StatusCode::INTERNAL_SERVER_ERROR, "Internal error").into_response();
                }
            }
        }
    }
}

/// Takes a stream out of what hyper has wrapped around it, if it is one of TCP.
fn stream(upgraded: Upgraded) -> gateway::Stream {
    // As our own server hands it over, and as others that are built on `hyper_util` do.
    let upgraded = match upgraded.downcast::<TokioIo<Patient>>() {
        Ok(parts) => return gateway::Stream::tcp(parts.io.into_inner().into_inner(), parts.read_buf),
        Err(upgraded) => upgraded,
    };
    match downcast::<TokioIo<TcpStream>>(upgraded) {
        Ok(parts) => gateway::Stream::tcp(parts.io.into_inner(), parts.read_buf),
        Err(upgraded) => gateway::Stream::other(TokioIo::new(upgraded)),
    }
}

fn not_found() -> Response {
    (StatusCode::NOT_FOUND, "Not found").into_response()
}

/// Tells whether a router answered for want of a route, and has no page of its own for that.
fn is_bare_404(response: &Response) -> bool {
    response.status() == StatusCode::NOT_FOUND && response.body().size_hint().exact() == Some(0)
}

fn key(address: Address<'_>) -> ObjectKey {
    ObjectKey { class: address.class.into(), name: address.name.into() }
}

impl Service<Request<Body>> for HostService {
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let service = self.clone();
        Box::pin(async move {
            let (host, most) = (service.host.clone(), service.host.limits().handshake_timeout);
            match wants_upgrade(request.headers()) && address::parse(request.uri().path()).is_some() {
                true => Ok(host.admission().in_time(most, service.answer(request)).await),
                false => Ok(service.answer(request).await),
            }
        })
    }
}

impl fmt::Debug for HostService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("HostService").field(&self.host).finish()
    }
}
