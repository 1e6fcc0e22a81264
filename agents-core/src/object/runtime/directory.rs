//! The access of one object to the other objects of its host.

use std::fmt;
use std::sync::{Arc, OnceLock};

use axum::response::Response;
use bytes::Bytes;

use crate::error::{Error, Result};
use crate::gateway::{
    self, CallHead, FREE_BYTES, ForwardError, Head, MemoryPermit, ObjectPort, Payload, RequestOrigin,
};
use crate::object::ObjectHandle;

/// Finds an object by its class and its name as they are written in addresses.
type Find = Box<dyn Fn(&str, &str) -> Result<Arc<ObjectHandle>> + Send + Sync>;

/// The directory of the other objects; the host sets it at its start.
#[derive(Default)]
pub(crate) struct ObjectDirectory(OnceLock<Find>);

impl ObjectDirectory {
    pub(crate) fn set(&self, find: impl Fn(&str, &str) -> Result<Arc<ObjectHandle>> + Send + Sync + 'static) {
        let _ = self.0.set(Box::new(find));
    }

    /// Calls a method of an agent. The response consists of reply frames (`agent/peer_calls/reply_frame.rs`).
    ///
    /// # Errors
    /// Fails when the class does not exist, the name is invalid, the host stops, or the agent ended before it
    /// answered.
    pub(crate) async fn call(
        &self,
        class: &str,
        name: &str,
        call: CallHead,
        arguments: Bytes,
    ) -> Result<Response> {
        let find = self.0.get().ok_or_else(stopping)?;
        let mut object = find(class, name)?;
        let mut held = MemoryPermit::default();
        let budget = &object.environment.gateway.incoming;
        if arguments.len() > FREE_BYTES && !held.grow(budget, arguments.len()) {
            return Err(Error::new("busy", "the server is busy"));
        }
        let mut payload = Payload::whole(arguments, held);
        let mut head = Head {
            method: "POST".to_owned(),
            uri: "/".to_owned(),
            headers: Vec::new(),
            peer: None,
            origin: RequestOrigin::default(),
            client: None,
            call: Some(Box::new(call)),
        };
        loop {
            let port: Arc<dyn ObjectPort> = object.clone();
            match gateway::forward(object.hub().clone(), port, head, payload).await {
                Ok(response) => return Ok(response),
                Err(ForwardError::Retired(back)) => {
                    (head, payload) = *back;
                    object = find(class, name)?;
                }
                Err(ForwardError::Broken | ForwardError::Body(_)) => return Err(interrupted()),
            }
        }
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
