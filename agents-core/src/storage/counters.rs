//! What a store has done.

use super::store::Store;

/// What a store has done since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoreCounters {
    /// Commits that wrote something.
    pub commits: u64,
    /// Rows that queries handed out.
    pub rows_read: u64,
    /// Rows that statements inserted, changed or removed, keys, values and the state included.
    pub rows_written: u64,
}

/// What the statements of a store add up to.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) statements: u64,
    pub(super) rows_read: u64,
    pub(super) rows_written: u64,
}

impl Store {
    /// Returns what the store has done so far. What was rolled back counts as well.
    pub fn counters(&self) -> StoreCounters {
        StoreCounters {
            commits: self.lsn.0,
            rows_read: self.counters.rows_read,
            rows_written: self.counters.rows_written,
        }
    }

    /// Returns how many statements SQLite has run for this store.
    pub fn statements(&self) -> u64 {
        self.counters.statements
    }
}
