//! The end of an activation that hibernates, stops, fails or crashes.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::Instant;

use crate::error::Error;
use crate::gateway::{BodyFault, ToGateway, ToObject, Unaccepted, post};
use crate::object::activation::turn::Turns;
use crate::object::activation::{Activation, Ended, Phase};
use crate::object::context::alarm::retry_after;
use crate::object::runtime::handle::Command;
use crate::object::{ObjectHandle, Work};
use crate::storage::Store;
use crate::support::unwind::{Panic, caught, discard, unfinished};

/// The code of the storage error for a full disk.
const FULL: &str = "storage_full";
/// The text that clients receive when their object failed.
const RESTARTED: &str = "the agent was restarted";

impl Activation {
    /// Returns whether work is pending that ends by itself.
    fn is_busy(&self) -> bool {
        !self.running.is_empty()
            || !self.events.is_empty()
            || !self.connecting.is_empty()
            || (!self.closing.is_empty() && self.has_pending_closes())
            || self.has_pending_output()
            || !self.object.lock().spawned.is_empty()
    }

    /// Returns whether the close of a connection is still to come.
    fn has_pending_closes(&self) -> bool {
        self.handle.gateway.has_pending_closes() || self.handle.mailbox.has_held_back()
    }

    /// Decides whether the activation is over.
    pub(super) fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<Ended> {
        if matches!(self.phase, Phase::ShuttingDown(..) | Phase::ShutDown(_)) {
            return self.poll_shutdown(cx);
        }
        if self.handle.is_stopping() {
            return self.poll_stop(cx);
        }
        if self.is_busy() || matches!(self.phase, Phase::Starting(_)) || self.closes_idle_database(cx) {
            return Poll::Pending;
        }
        let options = self.handle.behavior.options();
        if !options.hibernate || !self.object.lock().kept_awake.is_empty() {
            return Poll::Pending;
        }
        let awake_slots = &self.handle.environment.awake_slots;
        if self.handle.has_command(Command::Sleep) || awake_slots.has_waiters() {
            self.handle.withdraw(Command::Sleep);
            return self.shut_down(Ended::Idle, cx);
        }
        if let Some(chaos) = &self.handle.environment.chaos {
            return match chaos.crashes() {
                true => Poll::Ready(Ended::Crashed { quiet: true }),
                false => self.shut_down(Ended::Idle, cx),
            };
        }
        if self.listed.is_none() {
            self.listed = Some(awake_slots.register_idle(&self.handle));
        }
        let asleep_at = self.last_activity + options.hibernate_after;
        if self.wait_until(asleep_at, cx) { self.shut_down(Ended::Idle, cx) } else { Poll::Pending }
    }

    /// Waits for a moment. A timer that is set for an earlier moment is moved only when it fires.
    pub(super) fn wait_until(&mut self, moment: Instant, cx: &mut Context<'_>) -> bool {
        let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(moment)));
        if timer.deadline() > moment {
            timer.as_mut().reset(moment);
        }
        while timer.as_mut().poll(cx).is_ready() {
            if timer.deadline() >= moment {
                return true;
            }
            timer.as_mut().reset(moment);
        }
        false
    }

    /// Stops with the host: running handlers may finish within the grace period.
    fn poll_stop(&mut self, cx: &mut Context<'_>) -> Poll<Ended> {
        let grace = self.handle.limits().shutdown_grace;
        let stop_at = *self.stop_at.get_or_insert_with(|| Instant::now() + grace);
        let waits = self.is_busy() || matches!(self.phase, Phase::Starting(_));
        if waits && !self.wait_until(stop_at, cx) {
            return Poll::Pending;
        }
        if waits {
            let why = match self.handle.disk.is_under_way() {
                true => {
                    "the disk had not answered when the host stopped, what was written last is not acknowledged"
                }
                false => "handlers were still running when the host stopped",
            };
            tracing::warn!(class = &*self.handle.key.class, name = &*self.handle.key.name, "{why}");
            return Poll::Ready(Ended::Stopped);
        }
        self.shut_down(Ended::Stopped, cx)
    }

    /// Waits for the `hibernate` hook and its effects, at most for the grace period.
    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<Ended> {
        let done = matches!(self.phase, Phase::ShutDown(_)) && !self.is_busy();
        if !done {
            let until = self.stop_at.unwrap_or_else(Instant::now);
            if !self.wait_until(until, cx) {
                return Poll::Pending;
            }
            tracing::warn!(
                class = &*self.handle.key.class,
                name = &*self.handle.key.name,
                "the hibernate hook took too long"
            );
        }
        match std::mem::replace(&mut self.phase, Phase::Cold) {
            Phase::ShuttingDown(_, ended) | Phase::ShutDown(ended) => Poll::Ready(ended),
            _ => Poll::Ready(Ended::Idle),
        }
    }

    fn shut_down(&mut self, ended: Ended, cx: &Context<'_>) -> Poll<Ended> {
        match std::mem::replace(&mut self.phase, Phase::Cold) {
            Phase::Running(instance) => {
                let hook = Turns::new(self.object.clone(), Work::Hibernate, (), instance.hibernate());
                self.phase = Phase::ShuttingDown(hook, ended);
                self.stop_at = Some(Instant::now() + self.handle.limits().shutdown_grace);
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            _ => Poll::Ready(ended),
        }
    }

    /// Drops the instance and the handlers, closes the database, and closes connections if the activation
    /// failed.
    pub(super) async fn finish(self, ended: Ended) {
        let Self {
            handle,
            object,
            phase,
            events,
            running,
            connecting,
            store_work,
            counted,
            listed,
            dispatched,
            ..
        } = self;
        if let Some(number) = listed {
            handle.environment.awake_slots.unregister_idle(number);
        }
        discard(phase, handle.key.address());
        drop(running);
        // The store is taken out of the context, which user code may have kept: the next activation is the
        // only writer. Tasks that have not begun hold the context, and the context holds them.
        let (mut store, bodies) = object.lock().end();
        if let Some(store_work) = store_work {
            // A thread still works on the store.
            store = store_work.await.ok().map(|(store, _)| store);
        }
        // Code outside of the handlers may still read the bodies.
        for body in bodies {
            body.end(Err(BodyFault::BrokeOff));
        }
        let unreported = object.lock().alarm_unreported;
        let (closed, abandoned) = match &ended {
            Ended::Idle | Ended::Stopped => (None, false),
            Ended::Crashed { quiet } => ((!quiet).then_some(RESTARTED), true),
            Ended::Failed(error) => {
                tracing::error!(class = &*handle.key.class, name = &*handle.key.name, %error, "the object is restarted from its database");
                (Some(close_code_of(error)), false)
            }
        };
        handle.lifecycle.sleep();
        if let Some(reason) = closed {
            handle.settings.forget();
            handle.readable.store(false, Ordering::Relaxed);
            handle.alarm_entry.forget();
            // This happens before the file is closed, which takes a while: a connection that arrives
            // meanwhile waits for the next activation. An earlier connection whose `fetch` was not called
            // waits as well, unless this activation dispatched nothing before it failed: then the next one
            // would fail the same way forever. The order matters: a connection that is posted between these
            // statements is spared.
            let mut failed = handle.gateway.unaccepted();
            let mut waiting = handle.mailbox.connects();
            waiting.extend(events.iter().filter_map(ToObject::connects));
            failed.retain(|key| !waiting.contains(key));
            fail(&handle, reason, if dispatched { Unaccepted::These(failed) } else { Unaccepted::All });
            // Closes of connections and alarms have not failed; they are still to be handled.
            let is_kept = |event: &ToObject| match event {
                ToObject::Close { .. } | ToObject::Alarm => true,
                ToObject::Connect { .. } => dispatched,
                event => dispatched && event.connection().is_some_and(|key| waiting.contains(&key)),
            };
            let events = connecting.into_values().flatten().chain(events);
            let kept: Vec<_> = events.filter(is_kept).collect();
            handle.mailbox.put_back(kept.into_iter());
        }
        close(&handle, store, abandoned).await;
        drop(counted);
        if unreported && closed.is_some() {
            refire_alarm(&handle);
        }
    }
}

/// Ends an activation whose end panicked, so that the next one may begin.
pub(super) async fn cut_off(handle: &ObjectHandle, panic: &Panic) {
    // The panic may have come from the logger.
    let logged = caught(|| {
        tracing::error!(
            class = &*handle.key.class,
            name = &*handle.key.name,
            "the object did not end cleanly and is restarted from its database: {panic}"
        );
    });
    drop(logged);
    let context = handle.lifecycle.context();
    let store = context.and_then(|object| {
        let (store, bodies) = object.lock().end();
        bodies.iter().for_each(|body| body.end(Err(BodyFault::BrokeOff)));
        store
    });
    handle.lifecycle.sleep();
    handle.settings.forget();
    handle.readable.store(false, Ordering::Relaxed);
    handle.alarm_entry.forget();
    fail(handle, RESTARTED, Unaccepted::All);
    close(handle, store, true).await;
    // The outcome of the alarm that woke the object is unknown.
    refire_alarm(handle);
}

/// Ends everything at the gateway that waits for a failed activation.
pub(super) fn fail(handle: &ObjectHandle, reason: &str, unaccepted: Unaccepted) {
    handle.gateway.apply(&mut [ToGateway::Fail { reason: reason.to_owned(), unaccepted }]);
}

/// Closes the database, cleanly or as if the process had been killed.
async fn close(handle: &ObjectHandle, store: Option<Store>, abandoned: bool) {
    let Some(store) = store.filter(Store::is_open) else { return };
    // Closing checkpoints and syncs, which blocks.
    let closed = handle.disk.spawn(move || match abandoned {
        true => {
            store.abandon();
            Ok(())
        }
        false => store.close(),
    });
    match closed.await.map_err(unfinished) {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            tracing::error!(class = &*handle.key.class, name = &*handle.key.name, error = %error.into_error(), "the database was not closed cleanly")
        }
        Err(error) => {
            tracing::error!(class = &*handle.key.class, name = &*handle.key.name, %error, "the database was not closed")
        }
    }
}

/// Wakes an object again whose activation ended before it reported the outcome of its alarm.
///
/// The wake has a delay, because the alarm may be what made the object fail.
pub(super) fn refire_alarm(handle: &ObjectHandle) {
    refire_alarm_after(handle, 1);
}

fn refire_alarm_after(handle: &ObjectHandle, retry: u32) {
    let alarms = handle.environment.alarms.clone();
    let pause = Duration::from_millis(retry_after(retry));
    let key = handle.key.clone();
    let again = async move {
        tokio::time::sleep(pause).await;
        alarms.again(&key);
    };
    handle.environment.runtime.spawn(again);
}

/// The number of failures after which the pause before the next opening grows no more: about a minute.
const LONGEST: u32 = 6;

/// Brings ends of connections and an alarm again, later and later, to an object whose database could not be opened.
pub(super) fn keep(handle: &Arc<ObjectHandle>, events: VecDeque<ToObject>) {
    let retry = handle.failed_openings.fetch_add(1, Ordering::Relaxed).saturating_add(1).min(LONGEST);
    if events.contains(&ToObject::Alarm) {
        refire_alarm_after(handle, retry);
    }
    let ends: Vec<_> = events.into_iter().filter(|event| matches!(event, ToObject::Close { .. })).collect();
    if ends.is_empty() {
        return;
    }
    // The handle stays in use meanwhile, and is not kept from going with its host.
    handle.mailbox.hold_back(ends.len());
    let (handle, runtime) = (Arc::downgrade(handle), handle.environment.runtime.clone());
    runtime.spawn(async move {
        tokio::time::sleep(Duration::from_millis(retry_after(retry))).await;
        let Some(handle) = handle.upgrade() else { return };
        // A host that stops starts no activation of the object any more.
        for end in ends.into_iter().take_while(|_| !handle.is_stopping()) {
            let _ = post(&*handle, end).await;
            handle.mailbox.handed_in();
        }
    });
}

/// Returns the text that clients receive when their object failed with an error.
fn close_code_of(error: &Error) -> &'static str {
    if error.code() == FULL { "the server's disk is full" } else { RESTARTED }
}
