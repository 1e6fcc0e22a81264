//! One SQLite file an object: rows, keys and values, the state, and the commits that make them last.
//!
//! Everything in here is synchronous and knows nothing of sockets, tasks or clocks. A [`Store`]
//! belongs to one object at a time; a [`DataFolder`] to one process.
//!
//! A *turn* is what a handler does between two awaits. Its writes count together or not at all.
//! Several turns share one commit: the first write of all opens a transaction, the first write of
//! a later turn a savepoint in it, and [`Store::commit`] ends it. Nothing reaches SQLite before
//! the first write, so a turn that only reads costs its reads.

mod alarm;
mod alarm_index;
mod counters;
mod create;
mod deferred;
mod error;
mod fault;
mod flush;
mod folder;
mod fresh;
mod guard;
mod identity;
mod kv;
mod kv_door;
mod mark;
mod open;
mod options;
mod partial;
mod path;
mod peek;
mod power;
mod props;
mod reserved;
mod schema;
mod settings;
pub mod sql;
mod state;
mod statement;
mod store;
mod stored;
mod sync;
mod template;
mod torn;
mod turn;
mod wipe;

#[cfg(test)]
mod tests;

pub use alarm::{Alarm, Alarms};
pub use alarm_index::{AlarmChange, AlarmIndex, Change};
pub use counters::{StoreCounters, StoreMeter};
pub use error::{SqlError, SqlErrorKind, StorageError};
#[doc(hidden)]
pub use fault::{Faults, HeldSyncs};
pub use folder::{DataFolder, Objects};
pub use kv::KvRange;
pub use kv_door::{Kv, KvDoor, KvReadDoor, KvReader};
pub use options::{Blocking, Durability, SqlLimits, StoreOptions};
#[cfg(feature = "fuzzing")]
pub(crate) use path::{decode_name, encode as encode_name};
pub use reserved::INTERNAL;
pub use store::Store;
pub(crate) use stored::{from_stored, keep};
pub use sync::SyncHandle;
pub use turn::Lsn;

/// The result of the storage layer.
pub type Result<T, E = StorageError> = std::result::Result<T, E>;
