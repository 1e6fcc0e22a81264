//! What routes of the program find in a request: the host, and the facts of the host about the sender.

use std::net::SocketAddr;

use axum::body::Body;
use axum::extract::{ConnectInfo, FromRequestParts};
use http::{Extensions, HeaderMap, Request, request};

use crate::error::Error;
use crate::gateway::RequestOrigin;
use crate::object::ClientIp;
use crate::server::Host;

impl Host {
    /// Puts the host and its facts about the sender into a request to a route of the program.
    pub(super) fn introduce(&self, mut request: Request<Body>) -> Request<Body> {
        let client = self.access().proxies.client(peer(request.extensions()), request.headers());
        let origin = self.origin(request.headers());
        let extensions = request.extensions_mut();
        if let Some(client) = client {
            extensions.insert(ClientIp(client));
        }
        extensions.insert(origin);
        extensions.insert(self.clone());
        request
    }

    pub(super) fn origin(&self, headers: &HeaderMap) -> RequestOrigin {
        RequestOrigin { identity: None, same_site: self.access().origins.is_same_site(headers) }
    }
}

/// Returns the address of the peer, if the server knows it.
pub(in crate::server) fn peer(extensions: &Extensions) -> Option<SocketAddr> {
    extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0)
}

/// The argument of routes: those of [`Agents::routes`](crate::Agents::routes), and those of a router with the
/// layer `Extension(host)`.
impl<S: Sync> FromRequestParts<S> for Host {
    type Rejection = Error;

    async fn from_request_parts(head: &mut request::Parts, _: &S) -> Result<Self, Error> {
        head.extensions.get().cloned().ok_or_else(|| {
            Error::hidden("no_host", "there is no host in this request: add the layer `Extension(host)`")
        })
    }
}
