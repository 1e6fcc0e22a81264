//! Facts about the unknown keys of a type.

use std::any::TypeId;
use std::collections::HashSet;

use crate::wire::Wire;

/// Facts about the treatment of unknown keys by a type and the types that it consists of.
#[derive(Debug, Default)]
#[doc(hidden)]
pub struct KeyFacts {
    seen: HashSet<TypeId>,
    hides: bool,
    tries_forms: bool,
    by_hand: bool,
}

impl KeyFacts {
    pub fn of<T: Wire>() -> Self {
        let mut facts = Self::default();
        T::key_facts(&mut facts);
        facts
    }

    /// Returns whether a type is visited for the first time.
    pub fn is_first<T: 'static>(&mut self) -> bool {
        self.seen.insert(TypeId::of::<T>())
    }

    /// Records that serde skips unknown keys without an error, because a field is flattened or an enum has a
    /// tag.
    pub fn hides(&mut self) {
        self.hides = true;
    }

    /// Records that serde tries one form after another and skips unknown keys, because an enum is untagged.
    pub fn tries(&mut self) {
        self.hides = true;
        self.tries_forms = true;
    }

    /// Records that a field has its own code for reading or does not write all that it reads.
    pub fn by_hand(&mut self) {
        self.by_hand = true;
    }

    /// Returns whether serde may drop keys without an error that can still be found.
    pub fn may_drop(&self) -> bool {
        self.hides && !self.by_hand
    }

    /// Returns whether serde tries one form after another.
    pub fn tries_forms(&self) -> bool {
        self.tries_forms
    }
}
