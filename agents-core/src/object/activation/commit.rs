//! Commits, syncs, and the release of effects after them.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::sync::oneshot;

use crate::error::{Error, Result};
use crate::gateway::ToGateway;
use crate::object::activation::Activation;
use crate::object::activation::output_gate::Released;
use crate::object::context::Inner;
use crate::object::{BoxFuture, ObjectContext, ObjectHandle, Work};
use crate::storage::{Durability, SqlErrorKind, StorageError, Store, SyncHandle};
use crate::support::unwind::discard;

impl Activation {
    /// Commits the writes of the turns, waits for the disk, and releases the effects that may leave.
    pub(super) fn commit_and_release(&mut self, cx: &mut Context<'_>) -> Result<()> {
        if !self.credits.is_empty() {
            // Credits come after the messages of the handlers: otherwise a connection whose messages cannot
            // leave could send on and fill the memory.
            let mut inner = self.object.lock();
            for (connection, (messages, bytes)) in self.credits.drain() {
                inner.gate.stage(ToGateway::Credit { connection, messages, bytes });
            }
        }
        loop {
            self.poll_sync(cx);
            if self.store_work.is_some() {
                self.release();
                return Ok(());
            }
            let (released, started) = self.commit(cx)?;
            self.deliver(released);
            if !started {
                return Ok(());
            }
        }
    }

    pub(super) fn poll_sync(&mut self, cx: &mut Context<'_>) {
        let Some((lsn, sync)) = &mut self.syncing else { return };
        let Poll::Ready(result) = Pin::new(sync).poll(cx) else { return };
        let lsn = *lsn;
        self.syncing = None;
        let error = match result {
            Ok(Ok(())) => return self.durable(lsn),
            Ok(Err(error)) => Error::hidden(SqlErrorKind::of_io(&error).code(), error),
            Err(_) => Error::hidden("storage_io", "a sync was given up"),
        };
        // After a failed sync the contents of the disk are unknown until the file is reopened. A store that
        // is on another thread was poisoned there.
        let mut inner = self.object.lock();
        if let Some(store) = &mut inner.store {
            store.poison();
        }
        inner.failed.get_or_insert(error);
    }

    /// Releases the effects whose commits are durable.
    pub(super) fn release(&self) {
        let released = self.object.lock().gate.released();
        self.deliver(released);
    }

    /// Hands effects to the gateway, and wakes the tasks that waited for space in the gate.
    fn deliver(&self, released: Released) {
        if released.is_empty() {
            return;
        }
        let Released { mut effects, waiters } = released;
        self.handle.gateway.apply(&mut effects);
        for effect in effects {
            discard(effect, self.handle.key.address());
        }
        for waiter in waiters {
            // The handler may have been dropped.
            let _ = waiter.send(());
        }
        self.object.resume();
    }

    /// Records that everything up to a commit is durable.
    fn durable(&mut self, lsn: u64) {
        let mut inner = self.object.lock();
        inner.gate.opened(lsn);
        if let Some((_, at)) = self.alarm_report.take_if(|(commit, _)| *commit <= lsn) {
            report_to_index(&self.handle, &mut inner, at);
        }
    }

    /// Seals the turns so far and commits them, unless a sync is running. Writes made during a sync go into
    /// the next commit together.
    fn commit(&mut self, cx: &mut Context<'_>) -> Result<(Released, bool)> {
        let object = self.object.clone();
        let mut inner = object.lock();
        if let Some(error) = inner.failed.take() {
            return Err(error);
        }
        let store = inner.store()?;
        let dirty = store.has_uncommitted();
        let last = store.last_lsn().0;
        inner.gate.seal(last + u64::from(dirty));
        if !dirty {
            if inner.alarm_report_due && self.syncing.is_none() {
                inner.alarm_report_due = false;
                let at = ObjectContext::alarm_at(inner.store()?)?;
                report_to_index(&self.handle, &mut inner, at);
            }
            return Ok((inner.gate.released(), false));
        }
        let ready = self.syncing.is_none()
            && batch_pause_over(&mut self.batch_pause, cx)
            && registered(&mut self.registering, &self.handle, &mut inner, cx)?;
        if !ready {
            return Ok((inner.gate.released(), false));
        }
        let changed = std::mem::take(&mut inner.alarm_report_due) | inner.store()?.alarm_changed();
        let store = inner.store()?;
        let at = if changed { Some(ObjectContext::alarm_at(store)?) } else { None };
        let watched = object.watched(Work::Commit);
        let lsn = store.commit().map_err(StorageError::into_error)?.map_or(last, |lsn| lsn.0);
        drop(watched);
        if let Some(at) = at {
            self.alarm_report = Some((lsn, at));
        }
        let full = store.wants_checkpoint();
        match self.handle.environment.store.durability {
            Durability::Disk => {
                let handle = store.sync_handle().map_err(StorageError::into_error)?;
                let (synced, sync) = oneshot::channel();
                self.syncing = Some((lsn, sync));
                match inner.store.take_if(|_| full) {
                    Some(store) => {
                        self.start_store_work(store, move |store| sync_and_move(store, &handle, synced), cx)
                    }
                    None => drop(self.handle.disk.spawn(move || synced.send(handle.sync()))),
                }
                Ok((inner.gate.released(), true))
            }
            Durability::Process => {
                let store = inner.store.take_if(|_| full);
                drop(inner);
                self.durable(lsn);
                if let Some(store) = store {
                    self.start_store_work(store, Store::checkpoint, cx);
                }
                Ok((object.lock().gate.released(), false))
            }
        }
    }

    /// Returns whether a commit, a sync or an effect is still pending.
    pub(super) fn has_pending_output(&self) -> bool {
        let inner = self.object.lock();
        self.syncing.is_some()
            || self.registering.is_some()
            || inner.alarm_report_due
            || !inner.gate.is_empty()
            || inner.store.as_ref().is_some_and(Store::has_uncommitted)
    }
}

/// Flushes the log, reports the result, and moves the log into the database.
fn sync_and_move(
    store: &mut Store,
    handle: &SyncHandle,
    synced: oneshot::Sender<io::Result<()>>,
) -> Result<(), StorageError> {
    let result = handle.sync();
    let on_disk = result.is_ok();
    if !on_disk {
        store.poison();
    }
    // An activation that has ended needs no result.
    let _ = synced.send(result);
    if on_disk { store.checkpoint() } else { Ok(()) }
}

/// Waits until the runtime has polled its sockets once. With many clients several sockets have their next
/// message ready, and one sync then covers all of them.
fn batch_pause_over(batch_pause: &mut Option<BoxFuture<'static, ()>>, cx: &mut Context<'_>) -> bool {
    let pause = batch_pause.get_or_insert_with(|| Box::pin(tokio::task::yield_now()));
    let done = pause.as_mut().poll(cx).is_ready();
    if done {
        *batch_pause = None;
    }
    done
}

/// Makes sure that the index of alarms has the alarm that is about to be committed, or an earlier one.
fn registered(
    registering: &mut Option<(u64, BoxFuture<'static, Result<()>>)>,
    handle: &ObjectHandle,
    inner: &mut Inner,
    cx: &mut Context<'_>,
) -> Result<bool> {
    loop {
        if let Some((at, registration)) = registering {
            let Poll::Ready(result) = registration.as_mut().poll(cx) else { return Ok(false) };
            handle.alarm_entry.set(Some(*at));
            *registering = None;
            result?;
        }
        let store = inner.store()?;
        if !store.alarm_changed() {
            return Ok(true);
        }
        match ObjectContext::alarm_at(store)? {
            Some(at) if !handle.alarm_entry.covers(at) => {
                *registering = Some((at, handle.environment.alarms.register(&handle.key, at)));
            }
            _ => return Ok(true),
        }
    }
}

/// Reports the committed alarm to the index.
fn report_to_index(handle: &ObjectHandle, inner: &mut Inner, at: Option<u64>) {
    // While the alarm is firing, the end of its handler is still to be reported.
    inner.alarm_unreported = inner.firing.is_some();
    handle.alarm_entry.set(at);
    handle.environment.alarms.report_committed(&handle.key, at);
}
