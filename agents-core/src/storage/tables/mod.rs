//! The tables of the runtime in the file of an object, beside those of the user.
//!
//! This module owns the state, the key-value store, the alarm, the properties, the settings and the record of
//! the migrations, and removes all of them at a wipe. Values are JSON that their type has read back before it is stored.

pub(super) mod alarm;
pub(super) mod kv;
pub(super) mod kv_handle;
pub(super) mod migrations;
pub(super) mod props;
pub(super) mod settings;
pub(super) mod state;
pub(super) mod stored;
pub(super) mod wipe;
