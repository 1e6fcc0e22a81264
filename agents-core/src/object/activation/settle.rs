//! Commits, syncs, and what may leave after them.

use std::pin::Pin;
use std::task::{Context, Poll};

use crate::error::{Error, Result};
use crate::gateway::ToGateway;
use crate::object::BoxFuture;
use crate::object::activation::Activation;
use crate::storage::{Durability, StorageError};

impl Activation {
    /// Commits what the turns wrote, waits for the disk, and lets out what may leave.
    pub(super) fn settle(&mut self, cx: &mut Context<'_>) -> Result<()> {
        if !self.credits.is_empty() {
            let credits = self.credits.drain();
            self.handle
                .hub
                .apply(credits.map(|(connection, messages)| ToGateway::Credit { connection, messages }));
        }
        loop {
            self.poll_sync(cx)?;
            let (released, started) = self.commit(cx)?;
            if !released.is_empty() {
                self.handle.hub.apply(released);
            }
            if !started {
                return Ok(());
            }
        }
    }

    fn poll_sync(&mut self, cx: &mut Context<'_>) -> Result<()> {
        let Some((lsn, sync)) = &mut self.syncing else {
            return Ok(());
        };
        let Poll::Ready(result) = Pin::new(sync).poll(cx) else {
            return Ok(());
        };
        let lsn = *lsn;
        self.syncing = None;
        let mut inner = self.object.lock();
        match result? {
            Ok(()) => {
                inner.gate.opened(lsn);
                Ok(())
            }
            Err(error) => {
                // After a failed sync nobody knows what is on the disk; only a reopened file tells.
                inner.store()?.poison();
                Err(Error::hidden("sync", error))
            }
        }
    }

    /// Seals the turns so far and commits, unless a sync is under way: what is written meanwhile
    /// goes into the next commit together.
    fn commit(&mut self, cx: &mut Context<'_>) -> Result<(Vec<ToGateway>, bool)> {
        let mut inner = self.object.lock();
        if let Some(error) = inner.failed.take() {
            return Err(error);
        }
        let store = inner.store()?;
        let dirty = store.has_uncommitted();
        let last = store.last_lsn().0;
        inner.gate.seal(last + u64::from(dirty));
        let mut started = false;
        if dirty && self.syncing.is_none() && Self::gathered(&mut self.gathering, cx) {
            let store = inner.store()?;
            let lsn = store.commit().map_err(StorageError::into_error)?.map_or(last, |lsn| lsn.0);
            match self.handle.environment.store.durability {
                Durability::Disk => {
                    let handle = store.sync_handle().map_err(StorageError::into_error)?;
                    self.syncing = Some((lsn, tokio::task::spawn_blocking(move || handle.sync())));
                    started = true;
                }
                Durability::Process => inner.gate.opened(lsn),
            }
        }
        Ok((inner.gate.released(), started))
    }

    /// Waits until the runtime has looked at its sockets once: with many clients several of them
    /// have their next message ready, and one sync then covers them all.
    fn gathered(gathering: &mut Option<BoxFuture<'static, ()>>, cx: &mut Context<'_>) -> bool {
        let pause = gathering.get_or_insert_with(|| Box::pin(tokio::task::yield_now()));
        let done = pause.as_mut().poll(cx).is_ready();
        if done {
            *gathering = None;
        }
        done
    }
}
