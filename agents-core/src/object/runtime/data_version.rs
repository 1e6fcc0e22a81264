//! The version of the data of a class, and the error of data that cannot be converted to it.

use std::fmt;

use crate::error::Error;
use crate::storage::{Migrations, StorageError};

/// The version of the data of a class.
#[derive(Debug)]
pub(crate) struct DataVersion {
    /// The version of the type of the state, from 1.
    pub(crate) state: u32,
    pub(crate) migrations: Migrations,
}

impl Default for DataVersion {
    fn default() -> Self {
        Self { state: 1, migrations: Migrations::default() }
    }
}

/// The reason why an object cannot start on its data.
#[derive(Debug)]
pub(crate) struct DataFailure {
    /// The stable code for programs.
    pub(crate) code: &'static str,
    /// The step that failed, as in `migration 2`.
    pub(crate) step: String,
    pub(crate) reason: String,
}

impl DataFailure {
    pub(crate) fn new(code: &'static str, step: impl Into<String>, reason: impl fmt::Display) -> Self {
        Self { code, step: step.into(), reason: reason.to_string() }
    }

    /// Makes the failure from an error of the SQL migrations, or of the storage below them.
    pub(crate) fn of_tables(error: &Error) -> Self {
        let step = match error.downcast_ref() {
            Some(
                StorageError::Migration { number, file, .. }
                | StorageError::MigrationChanged { number, file },
            ) => {
                let file = file.map(|file| format!(" (`{file}`)")).unwrap_or_default();
                format!("migration {number}{file}")
            }
            _ => "migrations".to_owned(),
        };
        // The text of the error begins with the step, too.
        let text = error.to_string();
        let reason = text.strip_prefix(&step).map_or(&*text, |rest| rest.trim_start_matches([':', ' ']));
        Self::new(error.code(), step.clone(), reason)
    }

    /// Makes the failure from an error at the state.
    pub(crate) fn of_state(error: &Error) -> Self {
        Self::new(error.code(), "state", error)
    }
}
