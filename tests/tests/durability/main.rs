//! Turns and the output gate: a turn is stored completely or not at all, and a lost write has no answer.

mod damage;
mod disk;
mod hanging;
mod slow;

use std::sync::Arc;

use agents::prelude::*;
use agents::testing::Faults;
use agents_tests::{Received, TestServer};
use serde_json::json;

#[wire]
#[derive(Clone, Default)]
struct Count {
    count: i64,
}

#[agent(state = Count)]
#[derive(Default)]
struct Ledger;

#[agent]
impl Ledger {
    #[hook]
    fn on_start(&self, cx: &Context<Self>) -> Result<()> {
        sql!(cx, "CREATE TABLE IF NOT EXISTS entries (note TEXT NOT NULL)")?;
        Ok(())
    }

    #[callable]
    fn add(&self, cx: &Context<Self>, note: String) -> Result<i64> {
        sql!(cx, "INSERT INTO entries (note) VALUES ({note})")?;
        cx.update_state(|state| {
            state.count += 1;
            state.count
        })
    }

    /// Adds a long note.
    #[callable]
    fn fill(&self, cx: &Context<Self>, bytes: u32) -> Result<i64> {
        sql!(cx, "INSERT INTO entries (note) VALUES (hex(zeroblob({bytes} / 2)))")?;
        cx.update_state(|state| {
            state.count += 1;
            state.count
        })
    }

    #[callable]
    fn tell(&self, cx: &Context<Self>, note: String) -> Result<()> {
        sql!(cx, "INSERT INTO entries (note) VALUES ({note})")?;
        cx.broadcast(&json!({ "note": note }))
    }

    #[callable]
    fn add_and_panic(&self, cx: &Context<Self>, from: &Connection<Self>) -> Result<()> {
        self.add(cx, "lost".to_owned())?;
        cx.storage().put("lost", &true)?;
        cx.broadcast("lost")?;
        from.set_readonly(true)?;
        panic!("in the middle of a turn");
    }

    #[callable]
    async fn add_wait_and_panic(&self, cx: &Context<Self>) -> Result<()> {
        self.add(cx, "kept".to_owned())?;
        tokio::task::yield_now().await;
        self.add(cx, "lost".to_owned())?;
        panic!("in the second turn");
    }

    #[callable]
    fn add_in_failed_transaction(&self, cx: &Context<Self>) -> Result<bool> {
        let result: Result<()> = cx.sql().transaction(|_| {
            self.add(cx, "undone".to_owned())?;
            cx.broadcast("undone")?;
            Err(Error::msg("no"))
        });
        Ok(result.is_err())
    }

    #[callable]
    async fn write_from_outside(&self, cx: &Context<Self>) -> Result<String> {
        let cx = cx.clone();
        let written = tokio::spawn(async move { cx.set_state(Count { count: 99 }) }).await?;
        Ok(written.err().map(|error| error.code().to_owned()).unwrap_or_default())
    }

    #[callable]
    fn notes(&self, cx: &View<Self>) -> Result<Vec<String>> {
        sql!(cx, "SELECT note FROM entries ORDER BY rowid")
    }

    #[callable]
    fn entries(&self, cx: &View<Self>) -> Result<i64> {
        sql!(cx, "SELECT count(*) FROM entries")
    }

    #[callable]
    fn count(&self, cx: &View<Self>) -> Result<i64> {
        Ok(cx.state()?.count)
    }

    #[callable]
    fn is_readonly(&self, from: &Connection<Self>) -> bool {
        from.is_readonly()
    }
}

const LEDGER: &str = "/agents/ledger/one";

async fn faulty() -> (TestServer, Arc<Faults>) {
    let faults = Arc::new(Faults::default());
    let server = TestServer::start(Agents::new().register::<Ledger>().faults(faults.clone())).await;
    (server, faults)
}

/// Returns all frames that a client saw until its end. None of them may come from the failed write.
async fn seen_until_end(client: &mut agents_tests::Client) -> (Vec<Received>, Received) {
    let mut seen = Vec::new();
    loop {
        match client.next().await {
            end @ (Received::Close(..) | Received::Dropped) => return (seen, end),
            frame => seen.push(frame),
        }
    }
}

#[tokio::test]
async fn nothing_leaves_when_the_commit_fails() {
    let (server, faults) = faulty().await;
    let mut writer = server.join(LEDGER, true).await;
    let mut other = server.join(LEDGER, true).await;
    assert_eq!(writer.call("add", json!(["first"])).await, 1);
    assert_eq!(other.json().await["state"]["count"], 1);
    writer.drain().await;

    faults.fail_commits(1);
    writer.start_call("add", json!(["second"])).await;
    for client in [&mut writer, &mut other] {
        let (seen, end) = seen_until_end(client).await;
        assert_eq!(seen, [], "no answer, no state");
        assert!(matches!(end, Received::Close(1011, _)), "{end:?}");
    }

    let mut again = server.join(LEDGER, true).await;
    assert_eq!(again.call("count", json!([])).await, 1);
    assert_eq!(again.call("notes", json!([])).await, json!(["first"]));
    assert_eq!(again.call("add", json!(["third"])).await, 2, "it works again");
}

#[tokio::test]
async fn nothing_leaves_when_the_sync_fails() {
    let (server, faults) = faulty().await;
    let mut writer = server.join(LEDGER, true).await;
    let mut other = server.join(LEDGER, true).await;
    faults.fail_syncs(1);
    writer.start_call("tell", json!(["unsynced"])).await;
    for client in [&mut writer, &mut other] {
        let (seen, end) = seen_until_end(client).await;
        assert_eq!(seen, [], "a broadcast waits for the disk as an answer does");
        assert!(matches!(end, Received::Close(1011, _)), "{end:?}");
    }
    let mut again = server.join(LEDGER, true).await;
    again.call("tell", json!(["later"])).await;
}

#[tokio::test]
async fn other_agents_do_not_notice_a_failed_commit() {
    let (server, faults) = faulty().await;
    let mut one = server.join(LEDGER, true).await;
    let mut two = server.join("/agents/ledger/two", true).await;
    faults.fail_commits(1);
    one.start_call("add", json!(["x"])).await;
    assert!(matches!(one.end().await, Received::Close(1011, _)));
    assert_eq!(two.call("add", json!(["y"])).await, 1);
}

#[tokio::test]
async fn a_panic_undoes_its_whole_turn() {
    let (server, _) = faulty().await;
    let mut client = server.join(LEDGER, true).await;
    let mut other = server.join(LEDGER, true).await;
    let error = client.call_error("addAndPanic", json!([])).await;
    assert!(error.starts_with("Internal error (id "), "{error}");
    assert_eq!(client.drain().await, [], "neither the state nor the broadcast");
    assert_eq!(other.drain().await, []);
    assert_eq!(client.call("count", json!([])).await, 0);
    assert_eq!(client.call("notes", json!([])).await, json!([]));
    assert_eq!(client.call("isReadonly", json!([])).await, false);
    assert_eq!(client.call("add", json!(["after"])).await, 1, "the next instance works");
}

#[tokio::test]
async fn turns_before_the_one_that_panics_count() {
    let (server, _) = faulty().await;
    let mut client = server.join(LEDGER, true).await;
    client.call_error("addWaitAndPanic", json!([])).await;
    assert_eq!(client.drain_json().await.len(), 1, "one state frame");
    assert_eq!(client.call("count", json!([])).await, 1);
    assert_eq!(client.call("notes", json!([])).await, json!(["kept"]));
}

#[tokio::test]
async fn a_failed_transaction_takes_the_state_back() {
    let (server, _) = faulty().await;
    let mut client = server.join(LEDGER, true).await;
    assert_eq!(client.call("addInFailedTransaction", json!([])).await, true);
    assert_eq!(client.drain().await, [], "what it sent depends on what is gone");
    assert_eq!(client.call("count", json!([])).await, 0);
    assert_eq!(client.call("notes", json!([])).await, json!([]));
}

#[tokio::test]
async fn a_context_works_only_with_its_agent() {
    let (server, _) = faulty().await;
    let mut client = server.join(LEDGER, true).await;
    assert_eq!(client.call("writeFromOutside", json!([])).await, "outside_turn");
    assert_eq!(client.call("count", json!([])).await, 0);
}

#[tokio::test]
async fn process_durability_answers_without_a_sync() {
    let faults = Arc::new(Faults::default());
    let agents = Agents::new()
        .register::<Ledger>()
        .durability(agents::storage::Durability::Process)
        .faults(faults.clone());
    let server = TestServer::start(agents).await;
    let mut client = server.join(LEDGER, true).await;
    faults.fail_syncs(1);
    assert_eq!(client.call("add", json!(["unsynced"])).await, 1);
}
