//! The heads of requests and responses, as they cross between the gateway and an object.

use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;
use http::request;
use serde::{Deserialize, Serialize};

use crate::gateway::RequestOrigin;

/// The head of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Head {
    pub(crate) method: String,
    /// The path and query as the client sent them.
    pub(crate) uri: String,
    pub(crate) headers: Vec<(String, Bytes)>,
    pub(crate) peer: Option<SocketAddr>,
    pub(crate) origin: RequestOrigin,
    /// The client that the peer speaks for, or the peer itself.
    pub(crate) client: Option<IpAddr>,
    /// The head of a request that an object or the program makes; no client can make one. Only objects know its
    /// content.
    pub(crate) internal: Option<Bytes>,
}

impl Head {
    /// Returns the head with what an HTTP request states itself, without facts about its sender.
    pub(crate) fn plain(request: &request::Parts) -> Self {
        let headers = request.headers.iter();
        Self {
            method: request.method.to_string(),
            uri: request.uri.path_and_query().map_or("/", |uri| uri.as_str()).to_owned(),
            headers: headers
                .map(|(name, value)| (name.to_string(), Bytes::copy_from_slice(value.as_bytes())))
                .collect(),
            peer: None,
            origin: RequestOrigin::default(),
            client: None,
            internal: None,
        }
    }
}

/// The head of a response.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ResponseHead {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, Bytes)>,
}
