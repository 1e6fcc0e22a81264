//! Idle objects that close their database before they sleep, when very many are open.
//!
//! An open database costs three files and about 150 KiB. A host that has many of them open at a time
//! would run out of files long before it runs out of anything else, so idle objects give theirs
//! back early. The instance stays; the next statement opens the database again.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::task::JoinHandle;

use crate::error::Result;
use crate::object::activation::{Activation, Environment};
use crate::storage::{StorageError, Store};

/// How long an object is idle before it may be asked for its database.
const IDLE: Duration = Duration::from_millis(200);

/// A database that is being closed.
pub(super) type Resting = JoinHandle<(Store, Result<(), StorageError>)>;

/// A database that counts as open among those of its host until this is dropped.
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
    /// Keeps count of the open databases of the host.
    pub(super) fn count_database(&mut self) {
        let open = self.object.lock().store.as_ref().is_some_and(Store::is_open);
        if open != self.counted.is_some() {
            self.counted = open.then(|| OpenDatabase::new(&self.handle.environment));
        }
    }

    /// Waits for a database that is being closed: until then there is nothing to run handlers with.
    pub(super) fn poll_resting(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let Some(resting) = &mut self.resting else { return Poll::Ready(Ok(())) };
        let rested = ready!(Pin::new(resting).poll(cx));
        self.resting = None;
        let (store, closed) = rested?;
        self.object.lock().store = Some(store);
        self.count_database();
        Poll::Ready(closed.map_err(StorageError::into_error))
    }

    /// Decides, once for each idle time, whether the database of an idle object is closed now;
    /// `true` when that has begun.
    pub(super) fn rests(&mut self, cx: &mut Context<'_>) -> bool {
        if self.counted.is_none() || self.rest_decided == Some(self.last_activity) {
            return false;
        }
        if !self.wait_until(self.last_activity + IDLE, cx) {
            return false;
        }
        self.rest_decided = Some(self.last_activity);
        let environment = &self.handle.environment;
        if environment.databases.load(Ordering::Relaxed) <= environment.open_databases {
            return false;
        }
        let Some(mut store) = self.object.lock().store.take() else { return false };
        self.resting = Some(tokio::task::spawn_blocking(move || {
            let closed = store.rest();
            (store, closed)
        }));
        // The task of the closing wakes this one.
        cx.waker().wake_by_ref();
        true
    }
}
