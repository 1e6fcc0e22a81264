//! Requests of agents and of the program to the agents of the host.

use std::sync::Weak;

use axum::response::Response;

use crate::error::{Error, Result};
use crate::gateway::{self, FREE_BYTES, ForwardError, Head, MemoryPermit, Payload, RequestOrigin};
use crate::object::{BoxFuture, PeerPort, PeerRequest, interrupted, stopping};
use crate::server::Host;
use crate::server::host::Inner;

/// The host as agents reach it.
pub(super) struct Peers(pub(super) Weak<Inner>);

impl Peers {
    /// Returns the host if it accepts requests. The caller drops it before it waits: a request does not keep its
    /// host from being dropped.
    fn host(host: &Weak<Inner>) -> Result<Host> {
        host.upgrade().map(Host).filter(|host| !host.is_stopping()).ok_or_else(stopping)
    }

    async fn forward(host: Weak<Inner>, request: PeerRequest) -> Result<Response> {
        let PeerRequest { class, name, internal, body } = request;
        let mut permit = MemoryPermit::default();
        let (key, behavior) = {
            let host = Self::host(&host)?;
            if body.len() > FREE_BYTES && !permit.grow(&host.gateway().incoming, body.len()) {
                return Err(Error::new("busy", "the server is busy"));
            }
            host.callee(&class, &name)?
        };
        let mut payload = Payload::whole(body, permit);
        let mut head = Head {
            method: "POST".to_owned(),
            uri: "/".to_owned(),
            headers: Vec::new(),
            peer: None,
            origin: RequestOrigin::default(),
            client: None,
            internal: Some(internal),
        };
        loop {
            let (hub, port) = Self::host(&host)?.object(&key, &behavior);
            match gateway::forward(hub, port, head, payload).await {
                Ok(response) => return Ok(response),
                Err(ForwardError::Retired(back)) => (head, payload) = *back,
                Err(ForwardError::Broken | ForwardError::Body(_)) => return Err(interrupted()),
            }
        }
    }
}

impl PeerPort for Peers {
    fn request(&self, request: PeerRequest) -> BoxFuture<'static, Result<Response>> {
        Box::pin(Self::forward(self.0.clone(), request))
    }
}
