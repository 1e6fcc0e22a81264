//! Data that the new program converts.

use agents::prelude::*;
use agents::testing::TestHost;
use agents_tests::recorder;
use serde_json::json;

use super::third::Third;
use super::{board, first, greeted, of_first, of_third, written_by_first};
use crate::support::{Loss, secs};

const NO: [(); 0] = [];

#[tokio::test(start_paused = true)]
async fn a_state_and_a_table_are_converted_once_and_before_the_start() {
    for loss in Loss::ALL {
        let folder = tempfile::tempdir().expect("a folder");
        written_by_first(folder.path(), "Plan", &["a", "b"]).await;
        let (recorder, mut notes) = recorder();
        let mut host = of_third(folder.path(), move || Third::new(recorder.clone()));
        let (state, mut client) = greeted(&host).await;
        assert_eq!(state, Some(json!({ "name": "Plan", "cards": 2 })));
        assert_eq!(
            notes.so_far(),
            [json!(["migrate", 1, { "title": "Plan" }, ["unknown", "unknown"]]), json!(["start", "Plan"])]
        );
        let authors = ["unknown", "unknown", "hook"];
        assert_eq!(client.call::<Vec<String>>("authors", NO).await, authors);
        for _ in 0..2 {
            host = loss.happen(host, "board", "one").await;
            (_, client) = greeted(&host).await;
            assert_eq!(notes.so_far(), [json!(["start", "Plan"])], "{loss:?}");
            assert_eq!(client.call::<Vec<String>>("authors", NO).await, authors);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_agent_with_only_a_table_or_only_an_alarm_is_converted() {
    let folder = tempfile::tempdir().expect("a folder");
    let host = of_first(folder.path());
    // A connection would be greeted with a state, which would then be stored.
    host.host().get::<first::First>("one").add("a".to_owned()).await.expect("a card");
    host.host().get::<first::First>("bell").ring(60).await.expect("an alarm");
    host.shutdown().await;

    let (recorder, mut notes) = recorder();
    let host = of_third(folder.path(), move || Third::new(recorder.clone()));
    host.advance(secs(61)).await;
    assert_eq!(
        notes.so_far(),
        [json!(["start", ""]), json!(["alarm", ""])],
        "a new state needs no migration"
    );
    let (state, mut client) = greeted(&host).await;
    assert_eq!(state, Some(json!({ "name": "", "cards": 0 })));
    assert_eq!(client.call::<Vec<String>>("authors", NO).await, ["unknown"]);
}

#[tokio::test(start_paused = true)]
async fn a_new_agent_gets_the_tables_and_no_call_of_the_hook() {
    let folder = tempfile::tempdir().expect("a folder");
    let (recorder, mut notes) = recorder();
    let mut host = of_third(folder.path(), move || Third::new(recorder.clone()));
    for _ in 0..2 {
        let mut client = board(&host, "new").await;
        assert_eq!(client.greeting().await, Some(json!({ "name": "", "cards": 0 })));
        assert_eq!(client.call::<Vec<String>>("authors", NO).await, [""; 0]);
        assert_eq!(notes.so_far(), [json!(["start", ""])]);
        host = host.restart().await.expect("the host starts again");
    }
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_removed_everything_has_empty_tables_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    written_by_first(folder.path(), "Plan", &["a"]).await;
    let (recorder, mut notes) = recorder();
    let mut host = of_third(folder.path(), move || Third::new(recorder.clone()));
    for loss in Loss::ALL {
        let (_, mut client) = greeted(&host).await;
        client.call::<()>("clear", NO).await;
        assert_eq!(client.call::<Vec<String>>("authors", NO).await, [""; 0]);
        host = loss.happen(host, "board", "one").await;
        notes.so_far();
        let (state, mut client) = greeted(&host).await;
        assert_eq!(state, Some(json!({ "name": "", "cards": 0 })));
        assert_eq!(notes.so_far(), [json!(["start", ""])], "{loss:?}: a new state needs no migration");
        assert_eq!(client.call::<Vec<String>>("authors", NO).await, [""; 0]);
    }
}

/// A second version without a hook, whose type reads the state of the first version.
mod compatible {
    use agents::prelude::*;

    #[wire]
    #[derive(Clone, Default)]
    pub(super) struct Board {
        title: String,
        #[serde(default)]
        color: String,
    }

    #[agent(state = Board, version = 2, name = "board", migrations = migrations![
        "CREATE TABLE cards (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT",
    ])]
    #[derive(Default)]
    pub(super) struct Compatible;

    #[agent]
    impl Compatible {}
}

#[tokio::test(start_paused = true)]
async fn without_a_hook_only_the_version_changes() {
    let folder = tempfile::tempdir().expect("a folder");
    written_by_first(folder.path(), "Plan", &[]).await;
    let program = || Agents::new().register::<compatible::Compatible>();
    let host = TestHost::start_in(folder.path(), program).expect("the host starts");
    assert_eq!(greeted(&host).await.0, Some(json!({ "title": "Plan", "color": "" })));
    host.shutdown().await;
    // The version of the state is now newer than the first program.
    let host = of_first(folder.path());
    let answer = host.agent::<first::First>("one").get("").await;
    assert_eq!(answer.status(), 500);
}

#[tokio::test(start_paused = true)]
async fn a_class_without_migrations_opens_nothing_for_them() {
    #[agent]
    #[derive(Default)]
    struct Plain;

    #[agent]
    impl Plain {
        #[callable]
        fn ping(&self) -> bool {
            true
        }
    }

    let host = TestHost::start(|| Agents::new().register::<Plain>()).expect("the host starts");
    assert!(host.host().get::<Plain>("one").ping().await.expect("an answer"));
    assert!(!host.data().join("plain").exists(), "no file was made");
}
