//! The lock of an object. No user code runs under it: values that are released there are dropped after
//! unlock.

use std::any::Any;
use std::ops::{Deref, DerefMut};

use parking_lot::MutexGuard;

use super::{Inner, ObjectContext};
use crate::object::ObjectKey;
use crate::support::unwind::discard;

/// The data behind the lock of an object, which stays locked until this is dropped.
pub(in crate::object) struct Locked<'a> {
    // The order matters: first the mutex unlocks, then the values are dropped.
    inner: MutexGuard<'a, Inner>,
    given_up: GivenUp<'a>,
}

/// Values of user code, whose destructors may do anything.
struct GivenUp<'a> {
    values: Vec<Box<dyn Any + Send>>,
    of: &'a ObjectKey,
}

impl ObjectContext {
    /// Locks the object for the activation, with or without a turn.
    pub(in crate::object) fn lock(&self) -> Locked<'_> {
        let given_up = GivenUp { values: Vec::new(), of: self.key() };
        Locked { inner: self.core.inner.lock(), given_up }
    }

    /// Locks like [`lock`](Self::lock), but returns `None` during a turn.
    pub(in crate::object) fn try_lock(&self) -> Option<Locked<'_>> {
        let given_up = GivenUp { values: Vec::new(), of: self.key() };
        Some(Locked { inner: self.core.inner.try_lock()?, given_up })
    }
}

impl Inner {
    /// Drops a value of user code after the lock is released.
    pub(in crate::object) fn give_up(&mut self, value: impl Send + 'static) {
        self.given_up.push(Box::new(value));
    }
}

impl Deref for Locked<'_> {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.inner
    }
}

impl DerefMut for Locked<'_> {
    fn deref_mut(&mut self) -> &mut Inner {
        &mut self.inner
    }
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        self.given_up.values = std::mem::take(&mut self.inner.given_up);
    }
}

impl Drop for GivenUp<'_> {
    fn drop(&mut self) {
        for value in self.values.drain(..) {
            discard(value, self.of.address());
        }
    }
}
