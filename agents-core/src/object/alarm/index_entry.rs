//! The entry of the index of alarms for one object.

use parking_lot::Mutex;

/// The entry of the index for an object, as far as the object's handle knows it.
#[derive(Debug, Default)]
pub(crate) struct IndexEntry(Mutex<Known>);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Known {
    #[default]
    Nothing,
    At(Option<u64>),
}

impl IndexEntry {
    /// Returns whether the index wakes the object at this time or earlier.
    pub(in crate::object) fn covers(&self, at: u64) -> bool {
        matches!(*self.0.lock(), Known::At(Some(indexed)) if indexed <= at)
    }

    pub(in crate::object) fn set(&self, at: Option<u64>) {
        *self.0.lock() = Known::At(at);
    }

    pub(in crate::object) fn forget(&self) {
        *self.0.lock() = Known::Nothing;
    }
}
