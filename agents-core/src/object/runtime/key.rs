//! The identity of an object.

use std::fmt;
use std::sync::Arc;

/// The key of an object: its class and its name within the class.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct ObjectKey {
    /// The class as it is written in addresses.
    pub(crate) class: Arc<str>,
    pub(crate) name: Arc<str>,
}

impl ObjectKey {
    /// Returns the class and the name.
    pub(crate) fn address(&self) -> (&str, &str) {
        (&self.class, &self.name)
    }
}

impl fmt::Debug for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.class, self.name)
    }
}
