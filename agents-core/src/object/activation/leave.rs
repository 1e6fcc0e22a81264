//! The end of an activation: asleep, stopped or failed.

use std::task::{Context, Poll, ready};

use tokio::time::Instant;

use crate::error::Error;
use crate::object::activation::{Activation, Ended, Phase};
use crate::object::turn::Turns;
use crate::storage::Store;

impl Activation {
    fn is_busy(&self) -> bool {
        let inner = self.object.lock();
        !self.running.is_empty()
            || !self.events.is_empty()
            || !self.connecting.is_empty()
            || self.syncing.is_some()
            || !inner.gate.is_empty()
            || !inner.spawned.is_empty()
            || inner.store.as_ref().is_some_and(Store::has_uncommitted)
    }

    /// Decides whether the activation is over.
    pub(super) fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<Ended> {
        if matches!(self.phase, Phase::Leaving(..) | Phase::Left(_)) {
            return self.poll_left(cx);
        }
        if self.handle.is_stopping() {
            return self.poll_stop(cx);
        }
        let policy = self.handle.behavior.policy();
        if !policy.hibernate || self.is_busy() || matches!(self.phase, Phase::Starting(_)) {
            return Poll::Pending;
        }
        loop {
            let asleep_at = self.last_activity + policy.hibernate_after;
            if asleep_at > self.timer.deadline() {
                self.timer.as_mut().reset(asleep_at);
            }
            ready!(self.timer.as_mut().poll(cx));
            if self.last_activity + policy.hibernate_after <= Instant::now() {
                return self.leave(Ended::Idle, cx);
            }
        }
    }

    /// The host stops: what runs may finish for a while.
    fn poll_stop(&mut self, cx: &mut Context<'_>) -> Poll<Ended> {
        let first = self.stop_at.is_none();
        let stop_at = *self.stop_at.get_or_insert_with(|| Instant::now() + self.handle.environment.grace);
        if first {
            self.timer.as_mut().reset(stop_at);
        }
        let waits = self.is_busy() || matches!(self.phase, Phase::Starting(_));
        if waits && self.timer.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        if waits {
            tracing::warn!(object = ?self.handle.key, "handlers were still running when the host stopped");
            return Poll::Ready(Ended::Stopped);
        }
        self.stop_at = None;
        self.leave(Ended::Stopped, cx)
    }

    /// The instance says goodbye: it and what it still sends have the grace period, no longer.
    fn poll_left(&mut self, cx: &mut Context<'_>) -> Poll<Ended> {
        let done = matches!(self.phase, Phase::Left(_)) && !self.is_busy();
        if !done {
            ready!(self.timer.as_mut().poll(cx));
            tracing::warn!(object = ?self.handle.key, "the goodbye of an instance took too long");
        }
        match std::mem::replace(&mut self.phase, Phase::Cold) {
            Phase::Leaving(_, ended) | Phase::Left(ended) => Poll::Ready(ended),
            _ => Poll::Ready(Ended::Idle),
        }
    }

    fn leave(&mut self, ended: Ended, cx: &Context<'_>) -> Poll<Ended> {
        match std::mem::replace(&mut self.phase, Phase::Cold) {
            Phase::Live(instance) => {
                self.phase = Phase::Leaving(Turns::new(self.object.clone(), (), instance.hibernate()), ended);
                self.timer.as_mut().reset(Instant::now() + self.handle.environment.grace);
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            _ => Poll::Ready(ended),
        }
    }

    /// Drops the instance and the handlers, closes the database, and tells clients when that is
    /// the end for them.
    pub(super) async fn finish(self, ended: Ended) {
        let Self { handle, object, phase, events, running, .. } = self;
        drop((phase, running));
        match &ended {
            Ended::Idle | Ended::Stopped => {}
            Ended::Failed(error) => {
                tracing::error!(object = ?handle.key, %error, "the object is restarted from its database");
                handle.hub.fail("the agent was restarted");
            }
        }
        if !events.is_empty() {
            tracing::debug!(object = ?handle.key, events = events.len(), "events were given up");
        }
        // Out of the context, which user code may have kept: the next activation is the only writer.
        let store = object.lock().store.take();
        // Closing checkpoints and syncs, which blocks.
        let closed = tokio::task::spawn_blocking(move || store.map_or(Ok(()), Store::close)).await;
        match closed.map_err(Error::internal) {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::error!(object = ?handle.key, %error, "the database was not closed well")
            }
            Err(error) => tracing::error!(object = ?handle.key, %error, "the database was not closed"),
        }
    }
}
