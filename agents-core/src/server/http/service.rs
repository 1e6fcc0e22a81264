//! Requests: their destination, and the answers that are given before an agent is asked.

use std::convert::Infallible;
use std::fmt;
use std::mem;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::{Body, HttpBody};
use axum::response::{IntoResponse, Response};
use http::header::HOST;
use http::{Extensions, Method, Request, StatusCode, request};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use hyper_util::server::conn::auto::upgrade::downcast;
use tokio::net::TcpStream;
use tower::{Service, ServiceExt};

use crate::agent::{Refusal, query_value};
use crate::gateway::{self, BodyFault, ConnectionSlot, ForwardError, Head, Upgrade, wants_upgrade};
use crate::object::{Behavior, BoxFuture, ObjectKey};
use crate::server::Host;
use crate::server::access::authorize::Destination;
use crate::server::access::cors::Cors;
use crate::server::http::program_routes::peer;
use crate::server::http::write_timeout::WriteTimeout;
use crate::server::http::{address, collect_body, guarded_body};
use crate::support::sampled::sampled;

/// The maximum length in bytes of a connection id of a client; the id must fit a tag.
const MAX_ID_BYTES: usize = 256;

/// The object that a socket connects to.
type Target = (ObjectKey, Arc<dyn Behavior>);

/// A [`Host`] as a tower service.
#[derive(Clone)]
pub struct HostService {
    host: Host,
    routes: Option<Router>,
}

impl HostService {
    pub(in crate::server) fn new(host: Host) -> Self {
        Self { routes: host.routes(), host }
    }

    pub(in crate::server) fn host(&self) -> &Host {
        &self.host
    }

    async fn answer(self, mut request: Request<Body>) -> Response {
        // HTTP/2 has the host in the URI, but the comparison of origins reads the header.
        if !request.headers().contains_key(HOST)
            && let Some(host) = request.uri().authority().and_then(|host| host.as_str().parse().ok())
        {
            request.headers_mut().insert(HOST, host);
        }
        let path = request.uri().path().to_owned();
        let destination = match address::parse(&path) {
            Some(address) => Some(Destination::Named(address)),
            None => self.host.access().routes.find(&path).map(Destination::NamedRoute),
        };
        let Some(destination) = destination else {
            return self.elsewhere(&path, request).await;
        };
        if wants_upgrade(request.headers()) {
            self.upgrade(destination, request).await
        } else {
            self.request(destination, request).await
        }
    }

    /// Answers a request to a path that leads to no agent: with the program's routes, or 404.
    async fn elsewhere(mut self, path: &str, request: Request<Body>) -> Response {
        let handshake = wants_upgrade(request.headers());
        let (head, body) = request.into_parts();
        // Taken before the routes consume the request. Only a hint needs the socket.
        let hinted = handshake && self.host.access().hints && !self.host.access().plain_refusals;
        let socket =
            hinted.then(|| head.extensions.get::<OnUpgrade>().cloned().zip(Upgrade::check(&head).ok()));
        if let Some(routes) = self.routes.take() {
            let request = self.host.introduce(Request::from_parts(head, body));
            match routes.oneshot(request).await {
                Ok(response) if !is_bare_404(&response) => return response,
                Ok(_) => {}
                Err(never) => match never {},
            }
        }
        match (self.host.no_agent(path, handshake), socket.flatten()) {
            (Some(hint), Some((on_upgrade, upgrade))) => {
                self.refuse(upgrade, on_upgrade, Refusal::not_found(hint))
            }
            (Some(hint), None) => (StatusCode::NOT_FOUND, format!("Not found: {hint}")).into_response(),
            (None, _) => (StatusCode::NOT_FOUND, "Not found").into_response(),
        }
    }

    async fn upgrade(&self, destination: Destination<'_>, request: Request<Body>) -> Response {
        let (mut head, _) = request.into_parts();
        let upgrade = match Upgrade::check(&head) {
            Ok(upgrade) => upgrade,
            Err(response) => return *response,
        };
        if self.host.is_stopping() {
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        }
        let Some(on_upgrade) = head.extensions.remove::<OnUpgrade>() else {
            // Only a server that cannot hand over the socket reaches this line.
            return (StatusCode::INTERNAL_SERVER_ERROR, "This server cannot upgrade").into_response();
        };
        let allowed = self.host.access().origins.allow(&head.headers);
        let extensions = mem::take(&mut head.extensions);
        let mut head = self.plain_head(&head, peer(&extensions));
        let target = match allowed {
            true => self.target(destination, &mut head, extensions).await,
            false => Err(Refusal::forbidden("origin not allowed")),
        };
        let ((key, behavior), slot) = match target {
            Ok(target) => target,
            Err(refusal) if self.host.access().plain_refusals => {
                self.host.gateway().totals.refused.add(1);
                return refusal.into_response();
            }
            Err(refusal) => return self.refuse(upgrade, on_upgrade, refusal),
        };
        // The host may have begun to stop while the program decided.
        if self.host.is_stopping() {
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        }
        let wanted = query_value(&head.uri, "_pk").map(std::borrow::Cow::into_owned);
        let wanted =
            wanted.filter(|id| !id.is_empty() && id.len() <= MAX_ID_BYTES.min(self.host.limits().tag_bytes));
        let host = self.host.clone();
        self.host.sockets().spawn(async move {
            let Some(stream) = stream(on_upgrade).await else { return };
            let find = || host.object(&key, &behavior);
            if let Some(socket) = gateway::accept(stream, find, wanted, head, slot).await {
                // A task of its own, which is no larger than an idle socket needs.
                host.sockets().spawn(socket);
            }
        });
        upgrade.response()
    }

    /// Refuses after the handshake, because the npm client retries a refused handshake forever.
    fn refuse(&self, upgrade: Upgrade, on_upgrade: OnUpgrade, refusal: Refusal) -> Response {
        let host = self.host.clone();
        self.host.sockets().spawn(async move {
            let Some(stream) = stream(on_upgrade).await else { return };
            gateway::refuse(stream, host.gateway(), refusal.code(), refusal.reason()).await;
        });
        upgrade.response()
    }

    /// Finds the object, and a slot for the socket. The rate limit of the address is checked before a
    /// function of the program runs.
    async fn target(
        &self,
        destination: Destination<'_>,
        head: &mut Head,
        extensions: Extensions,
    ) -> Result<(Target, ConnectionSlot), Refusal> {
        let unknown = || Refusal::not_found(self.host.unknown_class(destination.class()));
        let behavior = self.host.class(destination.class()).ok_or_else(unknown)?;
        if query_value(&head.uri, "__agents_transport").as_deref() == Some("capnweb") {
            return Err(Refusal::bad_request("the transport capnweb is not supported"));
        }
        let slot = self.host.rate_limits().upgrade(head.client)?;
        let key = self.host.admit(destination, head, extensions, true).await?;
        Ok(((key, behavior.clone()), slot))
    }

    async fn request(&self, destination: Destination<'_>, request: Request<Body>) -> Response {
        let Some(behavior) = self.host.class(destination.class()) else {
            let unknown = self.host.unknown_class(destination.class());
            let text = match self.host.access().hints {
                true => format!("Invalid request: {unknown}"),
                false => "Invalid request".to_owned(),
            };
            return (StatusCode::BAD_REQUEST, text).into_response();
        };
        let access = self.host.access();
        if !access.origins.allow(request.headers()) {
            self.host.gateway().totals.refused.add(1);
            return (StatusCode::FORBIDDEN, "Origin not allowed").into_response();
        }
        let cors = Cors::of(access, request.headers());
        let mut response = if cors.is_some() && request.method() == Method::OPTIONS {
            StatusCode::OK.into_response()
        } else {
            self.forward(destination, behavior, request).await
        };
        if let Some(cors) = cors {
            cors.put(&mut response);
        }
        response
    }

    async fn forward(
        &self,
        destination: Destination<'_>,
        behavior: &Arc<dyn Behavior>,
        request: Request<Body>,
    ) -> Response {
        if self.host.is_stopping() {
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        }
        let (mut head, body) = request.into_parts();
        let extensions = mem::take(&mut head.extensions);
        let mut head = self.plain_head(&head, peer(&extensions));
        let slot = match self.host.rate_limits().request(head.client) {
            Ok(slot) => slot,
            Err(refused) => return *refused,
        };
        let key = match self.host.admit(destination, &mut head, extensions, false).await {
            Ok(key) => key,
            Err(refusal) => {
                self.host.gateway().totals.refused.add(1);
                return refusal.into_response();
            }
        };
        if self.host.is_stopping() {
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        }
        let limits = self.host.limits();
        let collected =
            collect_body::begin(body, limits.body_bytes, limits.body_timeout, self.host.gateway()).await;
        let mut payload = match collected {
            Ok(payload) => payload,
            Err(fault) => return refused(fault),
        };
        loop {
            let (hub, port) = self.host.object(&key, behavior);
            match gateway::forward(hub, port, head, payload).await {
                Ok(response) => return guarded_body::keep(response, slot),
                Err(ForwardError::Retired(back)) => (head, payload) = *back,
                Err(ForwardError::Body(fault)) => return refused(fault),
                Err(ForwardError::Broken) => {
                    return (StatusCode::INTERNAL_SERVER_ERROR, "Internal error").into_response();
                }
            }
        }
    }

    fn plain_head(&self, head: &request::Parts, peer: Option<SocketAddr>) -> Head {
        Head {
            peer,
            client: self.host.access().proxies.client(peer, &head.headers),
            origin: self.host.origin(&head.headers),
            ..Head::plain(head)
        }
    }
}

/// Waits for the response to the handshake and returns the stream. A TCP stream is taken out of the wrapper
/// of hyper.
async fn stream(on_upgrade: OnUpgrade) -> Option<gateway::Stream> {
    let upgraded = match on_upgrade.await {
        Ok(upgraded) => upgraded,
        Err(error) => {
            sampled!(DEBUG, "clients that left", %error, "a client disconnected during the handshake");
            return None;
        }
    };
    // The stream as this server hands it over, and as other servers based on `hyper_util` do.
    let upgraded = match upgraded.downcast::<TokioIo<WriteTimeout>>() {
        Ok(parts) => {
            return Some(gateway::Stream::tcp(parts.io.into_inner().into_inner(), parts.read_buf));
        }
        Err(upgraded) => upgraded,
    };
    Some(match downcast::<TokioIo<TcpStream>>(upgraded) {
        Ok(parts) => gateway::Stream::tcp(parts.io.into_inner(), parts.read_buf),
        Err(upgraded) => gateway::Stream::other(TokioIo::new(upgraded)),
    })
}

/// Returns the response to a body that was refused.
fn refused(fault: BodyFault) -> Response {
    (fault.status(), fault.to_string()).into_response()
}

/// Returns whether a router answered because no route matched, without a page of its own for that case.
fn is_bare_404(response: &Response) -> bool {
    response.status() == StatusCode::NOT_FOUND && response.body().size_hint().exact() == Some(0)
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
        Box::pin(async move { Ok(service.answer(request).await) })
    }
}

impl fmt::Debug for HostService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("HostService").field(&self.host).finish()
    }
}
