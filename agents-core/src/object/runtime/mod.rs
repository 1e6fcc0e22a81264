//! The parts of an object that exist while it hibernates, and the services that all objects of a host share.
//!
//! This module owns the handle of an object with its mailbox, the registry of handles, the slots for awake
//! objects, and the alarm service. The work of an awake object is in [`activation`](super::activation).

pub(super) mod awake_slots;
pub(super) mod chaos;
pub(super) mod class;
pub(super) mod data_check;
pub(super) mod data_version;
pub(super) mod directory;
pub(super) mod handle;
pub(super) mod key;
pub(super) mod lifecycle;
pub(super) mod mailbox;
pub(super) mod registry;
pub(super) mod settings;
