//! Facts about a type and the keys that it does not know.

use std::any::TypeId;
use std::collections::HashSet;

use crate::wire::Wire;

/// Facts about a type, and all that it is made of, and the keys that these do not know.
#[derive(Debug, Default)]
pub struct KeyFacts {
    seen: HashSet<TypeId>,
    hides: bool,
    tries_forms: bool,
    by_hand: bool,
}

impl KeyFacts {
    pub(crate) fn of<T: Wire>() -> Self {
        let mut facts = Self::default();
        T::key_facts(&mut facts);
        facts
    }

    /// Returns whether a type is met for the first time.
    pub fn is_first<T: 'static>(&mut self) -> bool {
        self.seen.insert(TypeId::of::<T>())
    }

    /// Notes that serde passes over unknown keys without a word: a field is flattened, or an enum has a tag.
    pub fn hides(&mut self) {
        self.hides = true;
    }

    /// Notes that one form is tried after another, and unknown keys hidden: an enum is untagged.
    pub fn tries(&mut self) {
        self.hides = true;
        self.tries_forms = true;
    }

    /// Notes that a field is read and not written again in a way that only the program knows.
    pub fn by_hand(&mut self) {
        self.by_hand = true;
    }

    /// Returns whether keys may be dropped that serde does not tell of, and can be found.
    pub(crate) fn may_drop(&self) -> bool {
        self.hides && !self.by_hand
    }

    /// Returns whether one form is tried after another.
    pub(crate) fn tries_forms(&self) -> bool {
        self.tries_forms
    }
}
