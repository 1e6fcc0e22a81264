//! Sleep: when it begins, what ends it, and what is kept over it.

pub(super) mod chaos;
pub(super) mod database_release;
pub(super) mod idle;
pub(super) mod keep_awake;
pub(super) mod kept;
pub(super) mod not_kept;
pub(super) mod on_hibernate;
pub(super) mod wake;
