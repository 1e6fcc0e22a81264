//! The files of a data folder: their names, how one is created and opened, and what proves that it is whole.
//!
//! This module owns the paths, the mark of a clean close, the rules for torn and unsynced files, and the schema that
//! each new file starts with.
//! It does not know turns or tables.

pub(super) mod clean_close;
pub(super) mod create;
pub(super) mod data_dir;
pub(super) mod identity;
pub(super) mod name;
pub(super) mod open;
pub(super) mod peek;
pub(super) mod schema;
pub(super) mod template;
pub(super) mod torn;
pub(super) mod unsynced;
