//! Tests of the files of a data folder.

pub(super) mod clean_close;
pub(super) mod damage;
pub(super) mod data_dir;
pub(super) mod lazy;
pub(super) mod new_files;
pub(super) mod power_failure;
pub(super) mod release;
