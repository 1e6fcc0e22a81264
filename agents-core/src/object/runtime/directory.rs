//! The access of one object to the other objects of its host.

use std::fmt;
use std::sync::{Arc, OnceLock};

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::request;

use crate::error::{Error, Result};
use crate::object::BoxFuture;

/// A request of an object, or of the program, to an object.
#[derive(Debug)]
pub(crate) struct PeerRequest {
    /// The class and the name, as they are written in addresses.
    pub(crate) class: String,
    pub(crate) name: String,
    /// The part of the head that the gateway hands on unread.
    pub(crate) internal: Bytes,
    pub(crate) content: PeerContent,
}

/// The content of a [`PeerRequest`].
#[derive(Debug)]
pub(crate) enum PeerContent {
    /// Bytes that only the two objects read.
    Message(Bytes),
    /// An HTTP request, with the facts about its sender in its extensions.
    Http(Box<request::Parts>, Body),
}

/// The host's way to hand a request to an object.
pub(crate) trait PeerPort: Send + Sync {
    /// Hands a request to an object and returns its response, whose body is streamed.
    ///
    /// # Errors
    /// Fails when the class does not exist, the name is invalid, the host stops or is busy, or the object ended
    /// before it answered; also with a `BodyFault`, when the body of the request ends early or is too large.
    fn request(&self, request: PeerRequest) -> BoxFuture<'static, Result<Response>>;
}

/// The directory of the other objects; the host sets it at its start.
#[derive(Default)]
pub(crate) struct ObjectDirectory(OnceLock<Arc<dyn PeerPort>>);

impl ObjectDirectory {
    pub(crate) fn set(&self, port: impl PeerPort + 'static) {
        let _ = self.0.set(Arc::new(port));
    }

    /// Sends a request to an object.
    ///
    /// # Errors
    /// Fails as [`PeerPort::request`] does.
    pub(crate) async fn request(&self, request: PeerRequest) -> Result<Response> {
        self.0.get().ok_or_else(stopping)?.request(request).await
    }
}

/// Returns the error for an agent that ended before it answered. The caller cannot know whether the call took
/// effect.
pub(crate) fn interrupted() -> Error {
    Error::new("interrupted", "the agent was interrupted before it answered")
}

/// Returns the error for a host that accepts no more calls.
pub(crate) fn stopping() -> Error {
    Error::new("stopping", "the host is stopping")
}

impl fmt::Debug for ObjectDirectory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObjectDirectory").finish_non_exhaustive()
    }
}
