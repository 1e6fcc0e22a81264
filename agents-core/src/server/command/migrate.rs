//! The check of all stored agents against this program, and the command that prints it.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use tokio::task::spawn_blocking;

use crate::error::{Error, Result};
use crate::object::{ObjectKey, check_data};
use crate::server::output::print;
use crate::server::{Agents, Host, Mode};
use crate::storage::{DataFolder, SqlErrorKind, StorageError};
use crate::support::unwind::unfinished;

/// The agents that [`Agents::check_migrations`] checks; all of them by default.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct MigrationCheck {
    /// Only agents of this class, as it appears in addresses.
    pub class: Option<String>,
    /// The largest number of agents of each class. They are taken at equal distances from the sorted names, so
    /// the same folder gives the same agents.
    pub sample: Option<usize>,
}

/// The result of [`Agents::check_migrations`].
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct MigrationReport {
    /// The number of agents that were checked.
    pub checked: usize,
    /// The number of agents whose class the program does not have.
    pub unknown: usize,
    /// The agents that would not start.
    pub failures: Vec<FailedMigration>,
}

/// An agent that would not start on its data.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FailedMigration {
    /// The class of the agent, as it appears in addresses.
    pub class: String,
    /// The name of the agent.
    pub name: String,
    /// The stable code: `migration_failed`, `migration_changed`, `newer_version`, `unreadable_state`, or a code of
    /// the storage.
    pub code: &'static str,
    /// The step that failed, as in `migration 2` or `migrate from version 1`.
    pub step: String,
    /// The cause, for the developer.
    pub reason: String,
}

impl Agents {
    /// Checks which stored agents this program could not start, without changing them.
    ///
    /// The files of each agent are copied into a temporary folder. There the missing migrations and the hook
    /// `migrate` run, and the state is read; `on_start`, alarms and all other hooks do not run. The check needs
    /// a tokio runtime, and space in the temporary folder of the system for the largest agent.
    ///
    /// # Errors
    /// `storage_locked` when a running host has the data folder, an error when the folder cannot be read, and
    /// as [`start`](Self::start).
    pub async fn check_migrations(mut self, check: &MigrationCheck) -> Result<MigrationReport> {
        let data = self.data.clone();
        // Opening the folder would make it.
        fs::read_dir(&data).map_err(|error| {
            let code = SqlErrorKind::of_io(&error).code();
            Error::new(code, format!("the data folder {} cannot be read: {error}", data.display()))
        })?;
        let folder = DataFolder::open(&data).map_err(|error| match error {
            StorageError::Locked { path } => Error::new(
                "storage_locked",
                format!(
                    "a running host has the data folder {}: stop it, or check a copy of the folder",
                    path.display()
                ),
            ),
            error => error.into_error(),
        })?;
        let copy = Copy::make()?;
        self.data = copy.path.clone();
        let host = self.start_in(Mode { checks: true, ..Mode::default() })?;
        let (checked, check) = (host.clone(), check.clone());
        let report = spawn_blocking(move || check_all(&checked, &folder, &copy.path, &check)).await;
        host.shutdown().await;
        report.map_err(unfinished)?
    }
}

/// A temporary folder that is removed at the end.
struct Copy {
    path: PathBuf,
}

impl Copy {
    fn make() -> Result<Self> {
        let path = std::env::temp_dir().join(format!("agents-check-{}", nanoid::nanoid!()));
        fs::create_dir(&path).map_err(|source| StorageError::io("create", &path, source).into_error())?;
        Ok(Self { path })
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        // A folder that cannot be removed does no harm.
        let _ = fs::remove_dir_all(&self.path);
    }
}

fn check_all(
    host: &Host,
    folder: &DataFolder,
    copy: &Path,
    check: &MigrationCheck,
) -> Result<MigrationReport> {
    let mut report = MigrationReport::default();
    let mut classes: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for object in folder.list().map_err(StorageError::into_error)? {
        match object {
            Ok((class, name)) => classes.entry(class).or_default().push(name),
            Err(error) => {
                let error = error.into_error();
                report.failures.push(failed("", "", error.code(), "file", error.to_string()));
            }
        }
    }
    for (class, mut names) in classes {
        if check.class.as_ref().is_some_and(|only| *only != class) {
            continue;
        }
        let Some(behavior) = host.class(&class) else {
            report.unknown += names.len();
            continue;
        };
        names.sort();
        for name in sampled(&names, check.sample) {
            report.checked += 1;
            let copied = folder.copy_object(&class, name, copy);
            let checked = match copied {
                Ok(()) => {
                    let key = ObjectKey { class: (*class).into(), name: (**name).into() };
                    let handle = host.handle(&key, behavior);
                    check_data(&handle).map_err(|found| (found.code, found.step, found.reason))
                }
                Err(error) => Err((error.code(), "file".to_owned(), error.to_string())),
            };
            if let Err((code, step, reason)) = checked {
                report.failures.push(failed(&class, name, code, &step, reason));
            }
            DataFolder::remove_copy(copy, &class, name).map_err(StorageError::into_error)?;
        }
    }
    Ok(report)
}

fn failed(class: &str, name: &str, code: &'static str, step: &str, reason: String) -> FailedMigration {
    FailedMigration { class: class.to_owned(), name: name.to_owned(), code, step: step.to_owned(), reason }
}

/// Returns at most a number of items, at equal distances.
fn sampled<T>(items: &[T], most: Option<usize>) -> impl Iterator<Item = &T> {
    let count = most.unwrap_or(items.len()).min(items.len());
    (0..count).map(move |index| &items[index * items.len() / count])
}

/// The options of the command.
#[derive(Args, Debug)]
pub(super) struct Migrate {
    /// Change nothing; run the migrations on copies and print the agents that would not start
    #[arg(long, required = true)]
    check: bool,
    /// Check at most this many agents of each class
    #[arg(long, value_name = "N")]
    sample: Option<usize>,
    /// Check only the agents of this class, as it appears in addresses
    #[arg(long, value_name = "CLASS")]
    class: Option<String>,
    #[command(flatten)]
    pub(super) data: super::Data,
}

/// Checks the agents and prints those that would not start.
pub(super) async fn command(agents: Agents, options: Migrate) -> Result<()> {
    let Migrate { sample, class, .. } = options;
    let report = agents.check_migrations(&MigrationCheck { class, sample }).await?;
    let MigrationReport { checked, unknown, failures } = report;
    let mut out = String::new();
    for FailedMigration { class, name, code, step, reason } in &failures {
        let reason = reason.replace('\n', " ");
        let _ = writeln!(out, "{class}/{name}: {step}: {reason} ({code})");
    }
    let _ = writeln!(out, "{checked} agents checked, {} would not start", failures.len());
    if unknown > 0 {
        let _ = writeln!(out, "{unknown} agents are of classes that this program does not have");
    }
    print(&out)?;
    match failures.len() {
        0 => Ok(()),
        count => Err(Error::new("migration_check", format!("{count} agents would not start on their data"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_spread_over_all_names() {
        let names: Vec<u32> = (0..10).collect();
        let taken = |most| sampled(&names, most).copied().collect::<Vec<_>>();
        assert_eq!(taken(None), names);
        assert_eq!(taken(Some(20)), names);
        assert_eq!(taken(Some(3)), [0, 3, 6]);
        assert_eq!(taken(Some(0)), [0; 0]);
    }
}
