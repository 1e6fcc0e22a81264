//! The counters of a store.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::store::Store;

/// The counters of a store since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoreCounters {
    /// The number of commits that wrote something.
    pub commits: u64,
    /// The number of rows that queries returned.
    pub rows_read: u64,
    /// The number of rows that statements inserted, changed or removed. Keys, values and the state are
    /// included.
    pub rows_written: u64,
}

/// A handle to the counters of a store, for any thread. Reading the counters never waits for the store. Cheap
/// to clone.
#[derive(Clone, Debug, Default)]
pub struct StoreMetrics(Arc<Totals>);

#[derive(Debug, Default)]
struct Totals {
    commits: AtomicU64,
    statements: AtomicU64,
    rows_read: AtomicU64,
    rows_written: AtomicU64,
}

impl StoreMetrics {
    /// Returns the counters of the store. Writes that were rolled back count as well.
    pub fn counters(&self) -> StoreCounters {
        StoreCounters {
            commits: self.0.commits.load(Ordering::Relaxed),
            rows_read: self.0.rows_read.load(Ordering::Relaxed),
            rows_written: self.0.rows_written.load(Ordering::Relaxed),
        }
    }

    pub(super) fn commit(&self) {
        self.0.commits.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn statement(&self) {
        self.0.statements.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn rows_read(&self, rows: u64) {
        self.0.rows_read.fetch_add(rows, Ordering::Relaxed);
    }

    pub(super) fn rows_written(&self, rows: u64) {
        self.0.rows_written.fetch_add(rows, Ordering::Relaxed);
    }
}

impl Store {
    /// Returns the counters of the store, to be read from elsewhere.
    pub fn metrics(&self) -> StoreMetrics {
        self.metrics.clone()
    }

    /// Returns the counters of the store. Writes that were rolled back count as well.
    pub fn counters(&self) -> StoreCounters {
        self.metrics.counters()
    }

    /// Returns the number of statements that SQLite has run for this store.
    pub fn statements(&self) -> u64 {
        self.metrics.0.statements.load(Ordering::Relaxed)
    }
}
