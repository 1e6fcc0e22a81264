//! Data that a program refuses, and programs that a host refuses.

use agents::prelude::*;
use agents::server::MigrationCheck;
use agents::testing::TestHost;
use agents_tests::recorder;
use serde_json::json;

use super::third::Third;
use super::{first, greeted, of_first, of_third, written_by_first};

const NO: [(); 0] = [];

#[tokio::test(start_paused = true)]
async fn an_older_program_refuses_the_agent_and_changes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    written_by_first(folder.path(), "Plan", &["a"]).await;
    let (recorder, mut notes) = recorder();
    let host = {
        let recorder = recorder.clone();
        of_third(folder.path(), move || Third::new(recorder.clone()))
    };
    greeted(&host).await;
    host.shutdown().await;

    let host = of_first(folder.path());
    for _ in 0..2 {
        let error = host.host().get::<first::First>("one").cards().await.unwrap_err();
        assert!(error.to_string().contains("(newer_version)"), "{error}");
    }
    assert_eq!(host.host().get::<first::First>("other").cards().await.expect("a new agent"), [""; 0]);
    host.shutdown().await;

    notes.so_far();
    let host = of_third(folder.path(), move || Third::new(recorder.clone()));
    let (state, mut client) = greeted(&host).await;
    assert_eq!(state, Some(json!({ "name": "Plan", "cards": 1 })));
    assert_eq!(client.call::<Vec<String>>("authors", NO).await, ["unknown", "hook"]);
    assert_eq!(notes.so_far(), [json!(["start", "Plan"])]);
}

/// A class from before the first migration.
mod bare {
    use agents::prelude::*;

    #[agent(name = "board")]
    #[derive(Default)]
    pub(super) struct Bare;

    #[agent]
    impl Bare {
        #[callable]
        fn ping(&self) -> bool {
            true
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_program_without_migrations_refuses_an_agent_that_has_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let host = of_first(folder.path());
    host.host().get::<first::First>("one").add("a".to_owned()).await.expect("a card");
    host.shutdown().await;
    let program = || Agents::new().register::<bare::Bare>();
    let host = TestHost::start_in(folder.path(), program).expect("the host starts");
    let error = host.host().get::<bare::Bare>("one").ping().await.unwrap_err();
    assert!(error.to_string().contains("(newer_version)"), "{error}");
    assert!(host.host().get::<bare::Bare>("new").ping().await.expect("a new agent"));
}

/// A class whose migration has another text than that of [`first::First`].
mod changed {
    use agents::prelude::*;

    #[agent(name = "board", migrations = migrations!["CREATE TABLE cards (id INTEGER PRIMARY KEY) STRICT"])]
    #[derive(Default)]
    pub(super) struct Changed;

    #[agent]
    impl Changed {
        #[callable]
        fn ping(&self) -> bool {
            true
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_migration_that_was_run_cannot_change() {
    let folder = tempfile::tempdir().expect("a folder");
    written_by_first(folder.path(), "Plan", &["a"]).await;
    let program = || Agents::new().register::<changed::Changed>();
    let host = TestHost::start_in(folder.path(), program).expect("the host starts");
    let error = host.host().get::<changed::Changed>("one").ping().await.unwrap_err();
    assert!(error.to_string().contains("(migration_changed)"), "{error}");
    assert!(host.host().get::<changed::Changed>("new").ping().await.expect("a new agent"));
    host.shutdown().await;
    let report = program()
        .data_dir(folder.path())
        .check_migrations(&MigrationCheck::default())
        .await
        .expect("a report");
    let failure = &report.failures[0];
    assert_eq!(failure.step, "migration 1");
    assert!(failure.reason.starts_with("was run with another text: restore"), "{}", failure.reason);
}

/// A class whose last migration SQLite refuses.
mod invalid {
    use agents::prelude::*;

    #[agent(migrations = migrations!["CREATE TABLE a (b)", "ALTER TABLE c ADD COLUMN d"])]
    #[derive(Default)]
    pub(super) struct Invalid;

    #[agent]
    impl Invalid {}
}

#[tokio::test(start_paused = true)]
async fn a_host_does_not_start_with_a_migration_that_is_no_sql() {
    let error = TestHost::start(|| Agents::new().register::<invalid::Invalid>()).unwrap_err();
    assert_eq!(error.code(), "migration_invalid");
    let text = error.to_string();
    assert!(
        text.contains("migration 2") && text.contains("Invalid") && text.contains("no such table: c"),
        "{text}"
    );
}

/// A class whose migration works on an empty table alone.
mod constrained {
    use agents::prelude::*;

    #[agent(name = "board", migrations = migrations![
        "CREATE TABLE cards (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT",
        "CREATE TABLE lists (id INTEGER PRIMARY KEY) STRICT;
         PRAGMA defer_foreign_keys = ON;
         CREATE TABLE placed (card INTEGER REFERENCES lists (id)) STRICT;
         INSERT INTO placed SELECT id FROM cards",
    ])]
    #[derive(Default)]
    pub(super) struct Constrained;

    #[agent]
    impl Constrained {
        #[callable]
        fn ping(&self) -> bool {
            true
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_reference_that_does_not_hold_at_the_end_fails_the_migration() {
    let folder = tempfile::tempdir().expect("a folder");
    written_by_first(folder.path(), "Plan", &["a"]).await;
    let program = || Agents::new().register::<constrained::Constrained>();
    let host = TestHost::start_in(folder.path(), program).expect("the host starts");
    let error = host.host().get::<constrained::Constrained>("one").ping().await.unwrap_err();
    assert!(error.to_string().contains("(migration_failed)"), "{error}");
    assert!(host.host().get::<constrained::Constrained>("new").ping().await.expect("a new agent"));
    host.shutdown().await;
    let host = of_first(folder.path());
    assert_eq!(greeted(&host).await.1.call::<Vec<String>>("cards", NO).await, ["a"]);
}
