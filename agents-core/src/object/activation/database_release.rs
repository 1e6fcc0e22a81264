//! The release of databases of idle objects before they hibernate, when very many are open.
//!
//! An open database costs three files and about 150 KiB. A host with many open databases would run out of
//! files before any other resource, so idle objects close their database early. The instance stays, and the
//! next statement opens the database again.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::task::JoinHandle;

use crate::error::Result;
use crate::object::activation::{Activation, Environment};
use crate::storage::{StorageError, Store};
use crate::support::unwind::unfinished;

/// The time for which an object is idle before its database may be closed.
const IDLE: Duration = Duration::from_millis(200);

/// A store on a thread that may block: the thread closes it, or moves its log into its database.
pub(super) type StoreWork = JoinHandle<(Store, Result<(), StorageError>)>;

/// A database that counts as open in its host until this is dropped.
pub(super) struct OpenDatabase(Arc<Environment>);

impl OpenDatabase {
    fn new(environment: &Arc<Environment>) -> Self {
        environment.databases.fetch_add(1, Ordering::Relaxed);
        Self(environment.clone())
    }
}

impl Drop for OpenDatabase {
    fn drop(&mut self) {
        self.0.databases.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Activation {
    /// Updates the number of open databases of the host.
    pub(super) fn count_database(&mut self) {
        if self.store_work.is_some() {
            return;
        }
        let open = self.object.lock().store.as_ref().is_some_and(Store::is_open);
        if open != self.counted.is_some() {
            self.counted = open.then(|| OpenDatabase::new(&self.handle.environment));
        }
    }

    /// Waits for the work of another thread on the store. Until the store is back, no handler can run.
    pub(super) fn poll_store_work(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let Some(store_work) = &mut self.store_work else { return Poll::Ready(Ok(())) };
        let Poll::Ready(back) = Pin::new(store_work).poll(cx) else {
            // Durable effects need not wait for a log that is still being moved.
            self.poll_sync(cx);
            self.release();
            return Poll::Pending;
        };
        self.store_work = None;
        let (store, done) = back.map_err(unfinished)?;
        self.object.lock().store = Some(store);
        self.count_database();
        Poll::Ready(done.map_err(StorageError::into_error))
    }

    /// Hands the store to a thread that may block.
    pub(super) fn start_store_work(
        &mut self,
        mut store: Store,
        work: impl FnOnce(&mut Store) -> Result<(), StorageError> + Send + 'static,
        cx: &Context<'_>,
    ) {
        self.store_work = Some(self.handle.disk.spawn(move || {
            let done = work(&mut store);
            (store, done)
        }));
        // When that thread is done, its task wakes this one.
        cx.waker().wake_by_ref();
    }

    /// Decides, once for each idle time, whether the database of an idle object is closed now; returns `true`
    /// when closing has begun.
    pub(super) fn closes_idle_database(&mut self, cx: &mut Context<'_>) -> bool {
        if self.counted.is_none() || self.close_decided == Some(self.last_activity) {
            return false;
        }
        if !self.wait_until(self.last_activity + IDLE, cx) {
            return false;
        }
        self.close_decided = Some(self.last_activity);
        let environment = &self.handle.environment;
        if environment.databases.load(Ordering::Relaxed) <= environment.limits.open_databases {
            return false;
        }
        let Some(store) = self.object.lock().store.take() else { return false };
        self.start_store_work(store, Store::suspend, cx);
        true
    }
}
