//! The synchronised state and its frames.

pub(super) mod dropped_keys;
pub(super) mod presence;
pub(super) mod protocol;
pub(super) mod state;
pub(super) mod validation;
