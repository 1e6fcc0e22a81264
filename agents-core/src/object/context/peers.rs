//! The way to other objects, and when it is free.

use std::sync::Arc;

use super::ObjectContext;
use crate::error::Result;
use crate::gateway::{RequestKey, ToGateway};
use crate::object::{Peers, stopping};

impl ObjectContext {
    pub(crate) fn peers(&self) -> Arc<Peers> {
        self.handle().environment.peers.clone()
    }

    /// Waits until all that was written so far is durable, as anything that leaves the object does.
    ///
    /// # Errors
    /// Outside of the turns of the object, and when the host stops.
    pub(crate) async fn until_durable(&self) -> Result<()> {
        // A request of its own, which ends with the effects of this turn.
        let request = RequestKey::next();
        let mut parts = self.handle().hub.open_request(request, None).ok_or_else(stopping)?;
        self.effect(ToGateway::RespondEnd { request, complete: true })?;
        parts.recv().await.map(drop).ok_or_else(stopping)
    }
}
