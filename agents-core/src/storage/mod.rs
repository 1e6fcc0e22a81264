//! One SQLite file for each object: rows, keys and values, the state, and the commits that make them durable.
//!
//! The whole layer is synchronous and does not know sockets, tasks or clocks. A [`Store`] belongs to one
//! object at a time, and a [`DataFolder`] to one process.
//!
//! A *turn* is the work of a handler between two awaits. Its writes count together or not at all. Several
//! turns share one commit: the first write of the first turn opens a transaction, the first write of a later
//! turn opens a savepoint in it, and [`Store::commit`] ends it. SQLite runs no such statement before the
//! first write, so a turn that only reads costs only its reads.

mod alarm_index;
mod error;
mod file;
mod metrics;
mod options;
pub mod sql;
mod store;
mod tables;
mod testing;

#[cfg(test)]
mod tests;

pub use alarm_index::{AlarmChange, AlarmIndex, Change};
pub use error::{SqlError, SqlErrorKind, StorageError, visible_sql};
pub use file::data_dir::{DataFolder, Objects};
#[cfg(feature = "fuzzing")]
pub(crate) use file::name::{decode_name, encode as encode_name};
pub use metrics::{StoreCounters, StoreMetrics};
pub use options::{BlockInPlace, Durability, SqlLimits, StoreOptions};
pub use sql::reserved::INTERNAL;
pub use store::Store;
pub use store::sync::SyncHandle;
pub use store::transaction::Lsn;
pub use tables::alarm::{Alarm, Alarms};
pub use tables::kv::KvRange;
pub use tables::kv_handle::{Kv, KvBackend, KvReadBackend, KvReader};
pub use tables::migrations::Migration;
pub(crate) use tables::migrations::Migrations;
pub(crate) use tables::state::StoredState;
pub(crate) use tables::stored::{from_stored, keep};
#[doc(hidden)]
pub use testing::faults::{Faults, HeldSyncs};

/// The result type of the storage layer.
pub type Result<T, E = StorageError> = std::result::Result<T, E>;
