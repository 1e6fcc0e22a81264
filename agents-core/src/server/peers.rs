//! Requests of agents and of the program to the agents of the host.

use std::sync::Weak;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::request;

use crate::error::{Error, Result};
use crate::gateway::{self, BodyFault, FREE_BYTES, ForwardError, Head, MemoryPermit, Payload, RequestOrigin};
use crate::object::{BoxFuture, ClientIp, PeerContent, PeerPort, PeerRequest, interrupted, stopping};
use crate::server::Host;
use crate::server::host::Inner;
use crate::server::http::collect_body;
use crate::server::http::program_routes::peer;

/// The host as agents reach it.
pub(super) struct Peers(pub(super) Weak<Inner>);

impl Peers {
    /// Returns the host if it accepts requests. The caller drops it before it waits: a request does not keep its
    /// host from being dropped.
    fn host(host: &Weak<Inner>) -> Result<Host> {
        host.upgrade().map(Host).filter(|host| !host.is_stopping()).ok_or_else(stopping)
    }

    async fn forward(host: Weak<Inner>, request: PeerRequest) -> Result<Response> {
        let PeerRequest { class, name, internal, content } = request;
        let (key, behavior) = Self::host(&host)?.callee(&class, &name)?;
        let (mut head, mut payload) = match content {
            PeerContent::Message(body) => (call_head(internal), Self::message(&host, body)?),
            PeerContent::Http(parts, body) => {
                (http_head(*parts, internal), Self::body_of(&host, body).await?)
            }
        };
        loop {
            let (hub, port) = Self::host(&host)?.object(&key, &behavior);
            match gateway::forward(hub, port, head, payload).await {
                Ok(response) => return Ok(response),
                Err(ForwardError::Retired(back)) => (head, payload) = *back,
                Err(ForwardError::Broken) => return Err(interrupted()),
                Err(ForwardError::Body(fault)) => return Err(refused(fault)),
            }
        }
    }

    fn message(host: &Weak<Inner>, body: Bytes) -> Result<Payload> {
        let mut permit = MemoryPermit::default();
        if body.len() > FREE_BYTES && !permit.grow(&Self::host(host)?.gateway().incoming, body.len()) {
            return Err(Error::new("busy", "the server is busy"));
        }
        Ok(Payload::whole(body, permit))
    }

    /// Collects the body of an HTTP request, or the start of it, with the limits of clients.
    async fn body_of(host: &Weak<Inner>, body: Body) -> Result<Payload> {
        let gateway = Self::host(host)?.shared_gateway();
        let limits = &gateway.limits;
        let begun = collect_body::begin(body, limits.body_bytes, limits.body_timeout, &gateway);
        begun.await.map_err(refused)
    }
}

/// Returns the error of a body that was refused. A route of the program answers with its status.
fn refused(fault: BodyFault) -> Error {
    let code = match fault {
        BodyFault::TooLarge { .. } => "too_large",
        BodyFault::Busy => "busy",
        BodyFault::TooSlow | BodyFault::BrokeOff => "invalid",
    };
    Error::hidden(code, fault).visible()
}

/// Returns the head of a request that only agents read.
fn call_head(internal: Bytes) -> Head {
    Head {
        method: "POST".to_owned(),
        uri: "/".to_owned(),
        headers: Vec::new(),
        peer: None,
        origin: RequestOrigin::default(),
        client: None,
        internal: Some(internal),
    }
}

/// Returns the head of an HTTP request. The facts about the sender, if it is a client, are passed on.
fn http_head(mut parts: request::Parts, internal: Bytes) -> Head {
    Head {
        peer: peer(&parts.extensions),
        client: parts.extensions.get::<ClientIp>().map(|client| client.0),
        origin: parts.extensions.remove().unwrap_or_default(),
        internal: Some(internal),
        ..Head::plain(&parts)
    }
}

impl PeerPort for Peers {
    fn request(&self, request: PeerRequest) -> BoxFuture<'static, Result<Response>> {
        Box::pin(Self::forward(self.0.clone(), request))
    }
}
