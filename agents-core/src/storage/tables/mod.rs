//! The tables that the runtime keeps in the file of an object beside the user's.
//!
//! This module owns the state, the key-value store, the alarm, the properties and the settings, and wiping all of them.
//! Values are JSON that their type has read back before it is stored.

pub(super) mod alarm;
pub(super) mod kv;
pub(super) mod kv_handle;
pub(super) mod props;
pub(super) mod settings;
pub(super) mod state;
pub(super) mod stored;
pub(super) mod wipe;
