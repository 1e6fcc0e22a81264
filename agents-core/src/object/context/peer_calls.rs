//! Calls to other objects: the wait before a call may leave, and the parts that an object blocks while it
//! waits.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::ObjectContext;
use crate::error::Result;
use crate::object::{ObjectDirectory, stopping};

/// The part of an agent that is blocked for other calls while the agent waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum BlockedPart {
    /// No part is blocked.
    #[default]
    None,
    /// The exclusive methods are blocked.
    Exclusive,
    /// Everything is blocked: the agent starts, or a handler runs alone.
    Everything,
}

/// The parts of the object that a handler blocks for other handlers.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct BlockedParts {
    /// The exclusive methods.
    exclusive: bool,
    /// The whole object.
    everything: bool,
}

/// Restores the blocked parts when it is dropped.
struct RestoreBlocked<'a>(&'a ObjectContext, BlockedParts);

impl Drop for RestoreBlocked<'_> {
    fn drop(&mut self) {
        self.0.lock().blocked = self.1;
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
        let left = self.turn()?.gate.until_left();
        left.await.map_err(|_| stopping())
    }

    /// Runs work that blocks a part of the object. Objects that it calls meanwhile learn of the block.
    pub(crate) async fn while_blocking<T>(&self, part: BlockedPart, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        poll_fn(|cx| {
            // The block holds only while the work is polled: other handlers of the object run in between.
            let before = self.lock().blocked;
            let _restore = RestoreBlocked(self, before);
            self.lock().blocked = BlockedParts {
                exclusive: before.exclusive || part == BlockedPart::Exclusive,
                everything: before.everything || part == BlockedPart::Everything,
            };
            work.as_mut().poll(cx)
        })
        .await
    }

    /// Returns what the polled handler blocks while it waits.
    pub(crate) fn blocked_part(&self) -> BlockedPart {
        let inner = self.lock();
        let handler = inner.turn.as_ref().map(|turn| turn.handler);
        let alone = inner.section.as_ref().is_some_and(|section| Some(section.owner) == handler);
        match inner.blocked {
            _ if alone => BlockedPart::Everything,
            BlockedParts { everything: true, .. } => BlockedPart::Everything,
            BlockedParts { exclusive: true, .. } => BlockedPart::Exclusive,
            BlockedParts { .. } => BlockedPart::None,
        }
    }

    /// Returns whether the polled handler is in exclusive work.
    pub(crate) fn is_exclusive(&self) -> bool {
        self.lock().blocked.exclusive
    }
}
