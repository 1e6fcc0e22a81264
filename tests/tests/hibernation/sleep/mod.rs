//! Hibernation: its begin, its end, and the data that is kept.

pub(super) mod chaos;
pub(super) mod database_release;
pub(super) mod idle;
pub(super) mod keep_awake;
pub(super) mod kept;
pub(super) mod not_kept;
pub(super) mod on_hibernate;
pub(super) mod wake;
