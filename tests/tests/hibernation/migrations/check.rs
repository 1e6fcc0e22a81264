//! The check of all stored agents, which changes nothing.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use agents::prelude::*;
use agents::server::{FailedMigration, MigrationCheck};
use agents_tests::{Recorder, recorder};

use super::third::Third;
use super::{first, of_first, of_third};

fn program(data: &Path, recorder: &Recorder) -> Agents {
    let recorder = recorder.clone();
    let make = move || Third { fails_at: "broken", ..Third::new(recorder.clone()) };
    Agents::new().register_with::<Third>(move |_| make()).data_dir(data)
}

/// Returns all files below a folder with their content.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        match entry.is_dir() {
            true => found.extend(files(&entry)),
            false => drop(found.insert(entry.display().to_string(), fs::read(&entry).expect("a file"))),
        }
    }
    found
}

fn summary(failure: &FailedMigration) -> (&str, &str, &str) {
    (&failure.name, failure.code, &failure.step)
}

#[tokio::test]
async fn the_check_names_each_agent_that_would_not_start_and_changes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path();
    let host = of_first(data);
    for name in ["broken", "good", "odd", "table"] {
        host.host().get::<first::First>(name).add("a".to_owned()).await.expect("a card");
        if name != "table" {
            host.host().get::<first::First>(name).rename(name.to_owned()).await.expect("a state");
        }
    }
    // A process that dies leaves the log with what was committed last.
    host.host().get::<first::First>("good").ring(3600).await.expect("an alarm");
    host.agent::<first::First>("good").crash().await;
    host.shutdown().await;
    fs::write(data.join("board/odd.sqlite"), "no database").expect("a damaged file");
    let before = files(data);

    let (recorder, mut notes) = recorder();
    let report =
        program(data, &recorder).check_migrations(&MigrationCheck::default()).await.expect("a report");
    assert_eq!(report.checked, 4);
    assert_eq!(
        report.failures.iter().map(summary).collect::<Vec<_>>(),
        [("broken", "migration_failed", "migrate from version 1"), ("odd", "storage_corrupt", "file")],
        "{report:?}"
    );
    assert!(report.failures[0].reason.contains("this title cannot be converted"), "{report:?}");
    let steps: Vec<_> = notes.so_far().into_iter().map(|note| note[0].clone()).collect();
    assert_eq!(steps, ["migrate", "migrate"], "nothing else of the agents runs");
    assert_eq!(files(data), before);

    let mut one = MigrationCheck::default();
    one.sample = Some(1);
    assert_eq!(program(data, &recorder).check_migrations(&one).await.expect("a report").checked, 1);
    one.class = Some("other".to_owned());
    assert_eq!(program(data, &recorder).check_migrations(&one).await.expect("a report").checked, 0);
    let none = Agents::new().data_dir(data).check_migrations(&MigrationCheck::default()).await;
    assert_eq!(none.expect("a report").unknown, 4);
}

#[tokio::test]
async fn the_check_needs_the_folder_for_itself() {
    let folder = tempfile::tempdir().expect("a folder");
    let (recorder, _notes) = recorder();
    let host = {
        let recorder = recorder.clone();
        of_third(folder.path(), move || Third::new(recorder.clone()))
    };
    let check = MigrationCheck::default();
    let error = program(folder.path(), &recorder).check_migrations(&check).await.unwrap_err();
    assert_eq!(error.code(), "storage_locked");
    assert!(error.to_string().contains("stop it"), "{error}");
    host.shutdown().await;
    let missing = folder.path().join("missing");
    program(&missing, &recorder).check_migrations(&check).await.unwrap_err();
    assert!(!missing.exists(), "the folder was not made");
}
