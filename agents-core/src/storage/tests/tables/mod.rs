//! Tests of the tables of the runtime.

pub(super) mod alarm;
pub(super) mod kv;
pub(super) mod migrations;
pub(super) mod wipe;
