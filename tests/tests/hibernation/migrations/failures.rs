//! Migrations that fail: the agent stays as it was, and the next event tries again.

use agents::testing::TestHost;
use agents_tests::{Notes, recorder};
use serde_json::{Value, json};

use super::third::Third;
use super::{first, greeted, of_first, of_third, written_by_first};
use crate::support::secs;

const NO: [(); 0] = [];

/// Starts the third version, changed by a function.
fn third(data: &std::path::Path, change: fn(&mut Third)) -> (TestHost, Notes) {
    let (recorder, notes) = recorder();
    let make = move || {
        let mut third = Third::new(recorder.clone());
        change(&mut third);
        third
    };
    (of_third(data, make), notes)
}

/// Returns the text of the response to a request that wakes the agent.
async fn refusal(host: &TestHost) -> String {
    let response = host.agent::<Third>("one").get("").await;
    assert_eq!(response.status(), 500);
    let body = agents::axum::body::to_bytes(response.into_body(), 10_000).await.expect("a body");
    String::from_utf8(body.to_vec()).expect("text")
}

fn names(notes: &mut Notes) -> Vec<Value> {
    notes.so_far().into_iter().map(|note| note[0].clone()).collect()
}

/// Checks that the first program finds its data as it was.
async fn is_as_it_was(data: &std::path::Path) {
    let host = of_first(data);
    let (state, mut client) = greeted(&host).await;
    assert_eq!(state, Some(json!({ "title": "Plan" })));
    assert_eq!(client.call::<Vec<String>>("cards", NO).await, ["a"]);
    host.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn what_fails_leaves_the_agent_as_it_was_and_is_tried_again() {
    type Change = fn(&mut Third);
    let changes: [(Change, &str, &[&str]); 3] = [
        (|third| third.fails_at = "Plan", "migration_failed", &["migrate"]),
        (|third| third.panics_at = "Plan", "migration_failed", &["migrate"]),
        (|third| third.start_fails_at = "Plan", "the start fails", &["migrate", "start"]),
    ];
    for (change, expected, steps) in changes {
        let folder = tempfile::tempdir().expect("a folder");
        written_by_first(folder.path(), "Plan", &["a"]).await;
        let (host, mut notes) = third(folder.path(), change);
        for _ in 0..2 {
            let text = refusal(&host).await;
            assert!(text.contains(expected), "{text}");
            assert!(!text.contains("title") && !text.contains("INSERT"), "{text}");
            assert_eq!(names(&mut notes), steps);
        }
        let error = host.host().get::<Third>("one").authors().await.unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        let mut client = host.connect("/agents/board/one").await;
        assert!(matches!(client.end().await, agents::testing::Received::Close(..)));
        host.shutdown().await;
        is_as_it_was(folder.path()).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_alarm_waits_for_a_program_that_converts_the_agent() {
    let folder = tempfile::tempdir().expect("a folder");
    written_by_first(folder.path(), "Plan", &[]).await;
    let host = of_first(folder.path());
    host.host().get::<first::First>("one").ring(60).await.expect("an alarm");
    host.shutdown().await;
    let (host, mut notes) = third(folder.path(), |third| third.fails_at = "Plan");
    host.advance(secs(62)).await;
    assert!(names(&mut notes).iter().all(|note| note == "migrate"));
    host.shutdown().await;
    let (host, mut notes) = third(folder.path(), |_| {});
    host.advance(secs(600)).await;
    assert_eq!(names(&mut notes), ["migrate", "start", "alarm"]);
}

#[tokio::test(start_paused = true)]
async fn a_commit_or_a_sync_that_fails_undoes_the_migration_and_it_runs_again() {
    for sync in [false, true] {
        let folder = tempfile::tempdir().expect("a folder");
        written_by_first(folder.path(), "Plan", &["a"]).await;
        let (host, mut notes) = third(folder.path(), |_| {});
        match sync {
            false => host.faults().fail_commits(1),
            true => host.faults().fail_syncs(1),
        }
        let error = host.host().get::<Third>("one").authors().await.unwrap_err();
        assert_eq!(error.code(), "interrupted", "{error}");
        assert_eq!(names(&mut notes), ["migrate", "start"]);
        let (state, mut client) = greeted(&host).await;
        assert_eq!(state, Some(json!({ "name": "Plan", "cards": 1 })));
        assert_eq!(client.call::<Vec<String>>("authors", NO).await, ["unknown", "hook"], "once");
    }
}
