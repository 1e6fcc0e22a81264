//! Calls to other objects: the wait before a call may leave, and the parts that an object blocks while it
//! waits.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;

use super::ObjectContext;
use crate::error::Result;
use crate::gateway::{Blocking, Hub, RequestKey, ResponsePart, ToGateway};
use crate::object::{ObjectDirectory, stopping};

/// Removes a request from the hub when its caller was dropped.
struct Forget<'a>(&'a Hub, RequestKey);

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        self.0.drop_request(self.1);
    }
}

/// The parts of the object that a handler blocks for other handlers.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Keeps {
    /// The exclusive methods.
    exclusive: bool,
    /// The whole object.
    everything: bool,
}

/// Restores the blocked parts when it is dropped.
struct Before<'a>(&'a ObjectContext, Keeps);

impl Drop for Before<'_> {
    fn drop(&mut self) {
        self.0.lock().keeps = self.1;
    }
}

impl ObjectContext {
    pub(crate) fn peers(&self) -> Arc<ObjectDirectory> {
        self.handle().environment.peers.clone()
    }

    /// Waits until everything written so far is durable, as every effect of the object does.
    ///
    /// # Errors
    /// Fails outside of the turns of the object, and when the host stops.
    pub(crate) async fn until_durable(&self) -> Result<()> {
        let told = self.ask(|request| ToGateway::RespondEnd { request, complete: true }).await?;
        told.map(drop).ok_or_else(stopping)
    }

    /// Sends a question to the gateway behind everything sent so far, and waits for the answer. A request
    /// carries the answer.
    ///
    /// # Errors
    /// Fails outside of the turns of the object, and when the host stops.
    pub(super) async fn ask(
        &self,
        effect: impl FnOnce(RequestKey) -> ToGateway,
    ) -> Result<Option<ResponsePart>> {
        let request = RequestKey::next();
        self.effect(effect(request))?;
        let hub = &*self.handle().hub;
        let mut parts = hub.open_request(request, None).ok_or_else(stopping)?;
        // The turn may still be undone, and the effect with it.
        let _forget = Forget(hub, request);
        Ok(parts.recv().await)
    }

    /// Runs work that blocks a part of the object. Objects that it calls meanwhile learn of the block.
    pub(crate) async fn while_blocking<T>(&self, waits: Blocking, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        poll_fn(|cx| {
            // The block holds only while the work is polled: other handlers of the object run in between.
            let before = self.lock().keeps;
            let _before = Before(self, before);
            self.lock().keeps = Keeps {
                exclusive: before.exclusive || waits == Blocking::Exclusive,
                everything: before.everything || waits == Blocking::Closed,
            };
            work.as_mut().poll(cx)
        })
        .await
    }

    /// Returns what the polled handler blocks while it waits.
    pub(crate) fn waits(&self) -> Blocking {
        let inner = self.lock();
        let handler = inner.turn.as_ref().map(|turn| turn.handler);
        let alone = inner.section.as_ref().is_some_and(|section| Some(section.owner) == handler);
        match inner.keeps {
            _ if alone => Blocking::Closed,
            Keeps { everything: true, .. } => Blocking::Closed,
            Keeps { exclusive: true, .. } => Blocking::Exclusive,
            Keeps { .. } => Blocking::Free,
        }
    }

    /// Returns whether the polled handler is in exclusive work.
    pub(crate) fn is_exclusive(&self) -> bool {
        self.lock().keeps.exclusive
    }
}
