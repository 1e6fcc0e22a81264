//! The synchronised state: the receivers of each frame, the order of frames, and the stored value.

use agents::prelude::*;
use agents::serde_json::Value;
use agents_tests::TestServer;

use crate::support::{Heard, Tell, changed, line, push};

#[wire]
#[derive(Clone, Default)]
struct Score {
    home: i64,
    away: i64,
    note: Option<String>,
}

/// A score that all clients see.
#[agent(state = Score, env = Tell)]
#[derive(Default)]
struct Board;

#[agent]
impl Board {
    #[hook]
    fn on_message(&self, conn: &Connection<Self>, message: Message) -> Result<()> {
        conn.send(format!("message: {}", message.text().unwrap_or_default()))
    }

    #[hook]
    fn on_state_changed(&self, cx: &Context<Self>, change: StateChange<Self>) {
        let who = if change.source.is_client() { "client" } else { "server" };
        let previous = change.previous.map_or("none".to_owned(), |state| state.home.to_string());
        cx.env().tell(format!("{who} {previous} -> {}", change.state.home));
    }

    #[callable]
    fn replace(&self, cx: &Context<Self>, next: Score) -> Result<()> {
        cx.set_state(next)
    }

    /// Takes a goal back, which fails without goals. Returns the new score.
    #[callable]
    fn annul(&self, cx: &Context<Self>) -> Result<i64> {
        cx.update_state(|score| {
            score.home -= 1;
            if score.home < 0 { Err(Error::msg("no goal to take back")) } else { Ok(score.home) }
        })
    }

    /// Reads the score through a closure that could change it.
    #[callable]
    fn look(&self, cx: &Context<Self>) -> Result<Option<String>> {
        cx.update_state(|score| {
            score.home += 1;
            score.home -= 1;
            score.note.clone()
        })
    }

    #[callable]
    fn home_goal(&self, cx: &Context<Self>) -> Result<i64> {
        cx.update_state(|score| {
            score.home += 1;
            score.home
        })
    }

    #[callable]
    fn goals(&self, cx: &Context<Self>, count: i64) -> Result<()> {
        for _ in 0..count {
            self.home_goal(cx)?;
        }
        Ok(())
    }

    #[callable]
    fn goal_then_error(&self, cx: &Context<Self>) -> Result<()> {
        self.home_goal(cx)?;
        Err(Error::msg("the goal counts"))
    }

    #[callable]
    fn goal_then_panic(&self, cx: &Context<Self>) -> Result<()> {
        self.home_goal(cx)?;
        panic!("offside")
    }

    #[callable]
    async fn goal_await_panic(&self, cx: &Context<Self>) -> Result<()> {
        self.home_goal(cx)?;
        tokio::task::yield_now().await;
        self.home_goal(cx)?;
        panic!("offside")
    }

    #[callable]
    fn note(&self, cx: &Context<Self>, bytes: usize) -> Result<()> {
        cx.update_state(|score| score.note = Some("x".repeat(bytes)))
    }

    #[callable]
    fn read(&self, cx: &View<Self>) -> Result<Score> {
        Ok(Score::clone(&*cx.state()?))
    }
}

async fn board() -> (TestServer, Heard) {
    let (tell, heard) = line();
    (TestServer::start(Agents::new().register::<Board>().env(tell)).await, heard)
}

fn score(home: i64) -> Value {
    json!({ "home": home, "away": 0, "note": null })
}

#[tokio::test]
async fn s78_the_first_read_of_the_initial_state_is_a_change_by_the_server() {
    let (server, mut heard) = board().await;
    let mut first = server.connect("/agents/board/a").await;
    assert_eq!(first.greeting(true).await, Some(score(0)));
    assert_eq!(heard.next().await, "server none -> 0");
    assert_eq!(first.drain().await, [], "exactly one state frame");
    let mut second = server.join("/agents/board/a", true).await;
    second.call("homeGoal", json!([])).await;
    assert_eq!(heard.next().await, "server 0 -> 1", "the second read stored no state");
}

#[tokio::test]
async fn s79_a_change_reaches_everyone_once_and_before_the_answer() {
    let (server, _heard) = board().await;
    let mut caller = server.join("/agents/board/a", true).await;
    let mut other = server.join("/agents/board/a", true).await;
    let mut elsewhere = server.join("/agents/board/b", true).await;
    caller.start_call("replace", json!([{ "home": 2, "away": 1, "note": "half time" }])).await;
    let frame = r#"{"state":{"home":2,"away":1,"note":"half time"},"type":"cf_agent_state"}"#;
    assert_eq!(caller.next().await.text(), frame);
    assert_eq!(caller.next().await.text(), r#"{"done":true,"id":"call-1","success":true,"type":"rpc"}"#);
    assert_eq!(other.next().await.text(), frame);
    assert_eq!(caller.drain().await, []);
    assert_eq!(other.drain().await, []);
    assert_eq!(elsewhere.drain().await, [], "agents of one class are not one agent");
    let mut late = server.connect("/agents/board/a").await;
    assert_eq!(late.greeting(true).await, Some(json!({ "home": 2, "away": 1, "note": "half time" })));
}

#[tokio::test]
async fn s79_a_new_state_replaces_the_old_one_whole() {
    let (server, _heard) = board().await;
    let mut client = server.join("/agents/board/a", true).await;
    client.call("replace", json!([{ "home": 2, "away": 1, "note": "half time" }])).await;
    client.call("replace", json!([{ "home": 0, "away": 0 }])).await;
    let frames = client.drain_json().await;
    assert_eq!(frames.last(), Some(&changed(&score(0))));
}

#[tokio::test]
async fn s111_a_push_is_stored_and_reaches_everyone_else() {
    let (server, mut heard) = board().await;
    let mut pusher = server.join("/agents/board/a", true).await;
    let mut other = server.join("/agents/board/a", true).await;
    assert_eq!(heard.next().await, "server none -> 0");
    // Unknown keys of the frame are ignored.
    let frame = json!({ "type": "cf_agent_state", "state": score(7), "id": 1, "extra": [] });
    pusher.send(frame.to_string()).await;
    assert_eq!(
        other.next().await.text(),
        r#"{"state":{"home":7,"away":0,"note":null},"type":"cf_agent_state"}"#
    );
    assert_eq!(heard.next().await, "client 0 -> 7");
    assert_eq!(pusher.drain().await, [], "the sender gets nothing back");
    assert_eq!(other.drain().await, []);
    assert_eq!(other.call("read", json!([])).await, score(7));
}

#[tokio::test]
async fn s111_without_the_key_state_it_is_a_message() {
    let (server, _heard) = board().await;
    let mut pusher = server.join("/agents/board/a", true).await;
    pusher.send(r#"{"type":"cf_agent_state"}"#).await;
    assert_eq!(pusher.next().await.text(), r#"message: {"type":"cf_agent_state"}"#);
}

#[tokio::test]
async fn s79_many_changes_of_one_call_end_with_the_last_one() {
    let (server, _heard) = board().await;
    let mut caller = server.join("/agents/board/a", true).await;
    let mut other = server.join("/agents/board/a", true).await;
    let id = caller.start_call("goals", json!([5])).await;
    caller.answer(&id).await;
    for client in [&mut caller, &mut other] {
        let frames = client.drain_json().await;
        let seen: Vec<i64> = frames.iter().filter_map(|frame| frame["state"]["home"].as_i64()).collect();
        assert_eq!(seen.len(), frames.len(), "only state frames: {frames:?}");
        assert!(seen.is_sorted(), "{seen:?}");
        assert_eq!(seen.last(), Some(&5));
    }
}

#[tokio::test]
async fn s79_no_update_of_many_clients_is_lost() {
    let (server, _heard) = board().await;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let mut client = server.join("/agents/board/a", true).await;
        tasks.spawn(async move {
            let mut ids = Vec::new();
            for _ in 0..50 {
                ids.push(client.start_call("homeGoal", json!([])).await);
            }
            let mut results = Vec::new();
            for id in ids {
                results.push(client.answer(&id).await["result"].as_i64().expect("a number"));
            }
            (results, client.drain_json().await)
        });
    }
    let mut all = Vec::new();
    while let Some(done) = tasks.join_next().await {
        let (results, frames) = done.expect("a client");
        all.extend(results);
        let seen: Vec<_> = frames.iter().filter_map(|frame| frame["state"]["home"].as_i64()).collect();
        assert!(seen.is_sorted(), "a client never goes back: {seen:?}");
    }
    all.sort_unstable();
    assert_eq!(all, (1..=400).collect::<Vec<i64>>());
    let mut late = server.connect("/agents/board/a").await;
    assert_eq!(late.greeting(true).await, Some(score(400)));
}

#[tokio::test]
async fn s79_an_error_keeps_what_was_written_and_a_panic_takes_its_turn_back() {
    let (server, _heard) = board().await;
    let mut client = server.join("/agents/board/a", true).await;
    let mut other = server.join("/agents/board/a", true).await;
    assert_eq!(client.call_error("goalThenError", json!([])).await, "the goal counts");
    assert_eq!(client.drain_json().await, [changed(&score(1))]);

    let error = client.call_error("goalThenPanic", json!([])).await;
    assert!(error.starts_with("Internal error") && !error.contains("offside"), "{error}");
    assert_eq!(client.call("read", json!([])).await, score(1), "the turn that panicked is undone");
    assert_eq!(client.drain().await, [], "no client was told of it");
    assert_eq!(other.drain_json().await, [changed(&score(1))]);

    client.call_error("goalAwaitPanic", json!([])).await;
    assert_eq!(client.call("read", json!([])).await, score(2), "the turn before the await stays");
    assert_eq!(other.drain_json().await, [changed(&score(2))]);
}

#[tokio::test]
async fn s79_a_state_that_is_too_large_is_an_error_and_changes_nothing() {
    let (server, _heard) = board().await;
    let mut client = server.join("/agents/board/a", true).await;
    let mut other = server.join("/agents/board/a", true).await;
    let error = client.call_error("note", json!([5 << 20])).await;
    assert!(error.contains("limit") && error.contains("4194304"), "the caller is told why: {error}");
    assert!(error.len() < 300, "without the state in it");
    client.send(push(&json!({ "home": 0, "away": 0, "note": "x".repeat(5 << 20) }))).await;
    assert_eq!(
        client.json().await["error"],
        "State update rejected: the state has 5242909 bytes, the limit is 4194304"
    );
    assert_eq!(client.call("read", json!([])).await, score(0));
    assert_eq!(client.drain().await, []);
    assert_eq!(other.drain().await, []);
    // A state within the limit arrives completely.
    let most = (4 << 20) - json!({ "home": 0, "away": 0, "note": "" }).to_string().len();
    for size in [1 << 20, most] {
        client.call("note", json!([size])).await;
        assert_eq!(other.json().await["state"]["note"].as_str().map(str::len), Some(size));
    }
}

#[tokio::test]
async fn s79_the_state_survives_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let (tell, _heard) = line();
    let server = TestServer::start_in(Agents::new().register::<Board>().env(tell), folder.path()).await;
    let mut client = server.join("/agents/board/a", true).await;
    client.call("replace", json!([{ "home": 3, "away": 4, "note": "late" }])).await;
    client.send(push(&json!({ "home": 4, "away": 4, "note": "later" }))).await;
    client.drain().await;
    server.shutdown().await;

    let (tell, mut heard) = line();
    let server = TestServer::start_in(Agents::new().register::<Board>().env(tell), folder.path()).await;
    let mut client = server.connect("/agents/board/a").await;
    assert_eq!(client.greeting(true).await, Some(json!({ "home": 4, "away": 4, "note": "later" })));
    client.call("homeGoal", json!([])).await;
    assert_eq!(heard.next().await, "server 4 -> 5", "reading a stored state is no change");
}

#[tokio::test]
async fn an_update_that_fails_changes_nothing_and_one_that_changes_nothing_is_none() {
    let (server, mut heard) = board().await;
    let mut client = server.join("/agents/board/a", true).await;
    let mut other = server.join("/agents/board/a", true).await;
    assert_eq!(client.call("homeGoal", json!([])).await, 1);
    assert_eq!(client.call("annul", json!([])).await, 0);
    assert_eq!(client.call_error("annul", json!([])).await, "no goal to take back");
    assert_eq!(client.call("look", json!([])).await, Value::Null);
    assert_eq!(client.call("read", json!([])).await, score(0));
    assert_eq!(client.call("homeGoal", json!([])).await, 1);
    let sent = [changed(&score(1)), changed(&score(0)), changed(&score(1))];
    assert_eq!(other.drain_json().await, sent);
    for told in ["server none -> 0", "server 0 -> 1", "server 1 -> 0", "server 0 -> 1"] {
        assert_eq!(heard.next().await, told);
    }
    assert_eq!(heard.rest(), [""; 0]);
}

#[tokio::test]
async fn a_key_that_the_state_does_not_have_is_told_and_refused() {
    let (server, _heard) = board().await;
    let mut client = server.join("/agents/board/a", true).await;
    let mut other = server.join("/agents/board/a", true).await;
    for (key, state) in [
        ("aways", json!({ "home": 1, "away": 0, "aways": 1 })),
        ("Home", json!({ "Home": null, "away": 0, "home": 0, "other": 0 })),
    ] {
        client.send(push(&state)).await;
        assert_eq!(
            client.json().await["error"],
            format!("State update rejected: the state has no key `{key}`")
        );
    }
    client.send(push(&json!({ "away": 0 }))).await;
    assert_eq!(client.json().await["error"], "State update rejected");
    assert_eq!(client.call("read", json!([])).await, score(0));
    assert_eq!(other.drain().await, []);
    client.send(push(&json!({ "away": 0, "home": 1 }))).await;
    assert_eq!(other.json().await["state"]["home"], 1, "an optional key may be missing");
}
