//! Atomicity: transactions and turns.

use agents::prelude::*;
use agents_tests::{Client, TestServer};

use crate::support::{Heard, Tell, changed, line};

#[wire]
#[derive(Clone, Default)]
struct Books {
    entries: i64,
}

/// An agent that stores entries in a table, and their number in the state.
#[agent(state = Books, connection = String, env = Tell)]
#[derive(Default)]
struct Ledger;

fn book(cx: &Context<Ledger>, what: &str) -> Result<()> {
    sql!(cx, "INSERT INTO entries (what) VALUES ({what})")?;
    cx.update_state(|books| books.entries += 1)
}

#[agent]
impl Ledger {
    #[hook]
    fn on_start(&self, cx: &Context<Self>) -> Result<()> {
        sql!(cx, "CREATE TABLE IF NOT EXISTS entries (what TEXT NOT NULL)")?;
        Ok(())
    }

    #[hook]
    fn on_state_changed(&self, cx: &Context<Self>, change: StateChange<Self>) {
        cx.env().tell(change.state.entries.to_string());
    }

    #[callable]
    fn entries(&self, cx: &View<Self>) -> Result<(i64, Vec<String>)> {
        Ok((cx.state()?.entries, sql!(cx, "SELECT what FROM entries ORDER BY rowid")?))
    }

    #[callable]
    fn book_all(&self, cx: &Context<Self>, all: Vec<String>) -> Result<usize> {
        cx.sql().transaction(|_| {
            for what in &all {
                if what == "bad" {
                    return Err(Error::msg("a bad entry"));
                }
                book(cx, what)?;
            }
            Ok(all.len())
        })
    }

    /// Handles the error of the inner transaction; the outer transaction succeeds.
    #[callable]
    fn nested(&self, cx: &Context<Self>) -> Result<()> {
        cx.sql().transaction(|sql| {
            book(cx, "before")?;
            let inner = sql.transaction(|sql| {
                book(cx, "inner")?;
                sql.transaction(|_| book(cx, "innermost"))?;
                Err::<(), _>(Error::msg("not this one"))
            });
            assert!(inner.is_err(), "the inner transaction fails");
            book(cx, "after")
        })
    }

    #[callable]
    fn outer_fails(&self, cx: &Context<Self>) -> Result<()> {
        cx.sql().transaction(|sql| {
            sql.transaction(|_| book(cx, "released"))?;
            Err(Error::msg("but the outer one fails"))
        })
    }

    #[callable]
    fn panics_inside(&self, cx: &Context<Self>) -> Result<()> {
        book(cx, "same turn")?;
        cx.sql().transaction(|_| {
            book(cx, "inside")?;
            panic!("in a transaction")
        })
    }

    /// Makes every kind of change in a transaction, which then fails or succeeds.
    #[callable]
    fn everything(&self, cx: &Context<Self>, conn: &Connection<Self>, fail: bool) -> Result<()> {
        conn.set_state("before".to_owned())?;
        cx.broadcast("before")?;
        let done = cx.sql().transaction(|_| {
            book(cx, "inside")?;
            conn.set_state("inside".to_owned())?;
            cx.broadcast("inside")?;
            let mine = cx.clone();
            cx.spawn(async move { mine.env().tell("task") })?;
            conn.set_readonly(true)?;
            if fail { Err(Error::msg("undone")) } else { Ok(()) }
        });
        cx.broadcast(format!("{} {}", conn.state()?, conn.is_readonly()))?;
        done
    }

    /// Runs a statement that SQLite refuses. Only that statement is undone.
    #[callable]
    fn refused_statement(&self, cx: &Context<Self>) -> Result<()> {
        book(cx, "good")?;
        let refused = sql!(cx, "INSERT INTO entries (what) VALUES ('one'), ({None::<String>})");
        assert!(refused.is_err(), "NOT NULL");
        book(cx, "also good")
    }

    #[callable]
    async fn two_turns(&self, cx: &Context<Self>) -> Result<()> {
        book(cx, "first turn")?;
        tokio::task::yield_now().await;
        book(cx, "second turn")?;
        panic!("in the second turn")
    }

    #[callable]
    fn errs_after(&self, cx: &Context<Self>) -> Result<()> {
        book(cx, "kept")?;
        Err(Error::msg("an error is an answer"))
    }

    #[callable]
    fn batch(&self, cx: &Context<Self>) -> Result<()> {
        cx.sql().execute_batch(
            "INSERT INTO entries (what) VALUES ('batch');
             INSERT INTO nowhere (what) VALUES ('batch');",
        )
    }
}

async fn ledger() -> (TestServer, Client, Client) {
    let (server, client, witness, _) = ledger_heard().await;
    (server, client, witness)
}

async fn ledger_heard() -> (TestServer, Client, Client, Heard) {
    let (tell, heard) = line();
    let server = TestServer::start(Agents::new().register::<Ledger>().env(tell)).await;
    let client = server.join("/agents/ledger/a", true).await;
    let witness = server.join("/agents/ledger/a", true).await;
    (server, client, witness, heard)
}

/// Checks the stored entries, and that no client was told of others.
async fn booked(client: &mut Client, witness: &mut Client, entries: &[&str]) {
    let (count, mut told) = (entries.len(), witness.drain_json().await);
    assert_eq!(client.call("entries", json!([])).await, json!([count, entries]));
    assert!(
        told.iter().all(|frame| frame["state"]["entries"].as_u64() <= Some(count as u64)),
        "clients saw a state that was undone: {told:?}"
    );
    if let Some(last) = told.pop() {
        assert_eq!(last, changed(&json!({ "entries": count })));
    }
    client.drain().await;
}

#[tokio::test]
async fn s104_s107_a_transaction_counts_whole_or_not_at_all() {
    let (_server, mut client, mut witness) = ledger().await;
    assert_eq!(client.call("bookAll", json!([["a", "b"]])).await, 2);
    booked(&mut client, &mut witness, &["a", "b"]).await;
    assert_eq!(client.call_error("bookAll", json!([["c", "d", "bad", "e"]])).await, "a bad entry");
    booked(&mut client, &mut witness, &["a", "b"]).await;
}

#[tokio::test]
async fn s104_transactions_nest() {
    let (_server, mut client, mut witness) = ledger().await;
    client.call("nested", json!([])).await;
    booked(&mut client, &mut witness, &["before", "after"]).await;
    assert_eq!(client.call_error("outerFails", json!([])).await, "but the outer one fails");
    booked(&mut client, &mut witness, &["before", "after"]).await;
}

#[tokio::test]
async fn s104_a_failed_transaction_sends_its_state_to_no_client() {
    let (_server, mut client, mut witness) = ledger().await;
    client.call_error("bookAll", json!([["a", "bad"]])).await;
    assert_eq!(witness.drain().await, [], "the undone state was sent to no client");
    assert_eq!(client.drain().await, []);
}

#[tokio::test]
async fn s104_what_was_sent_and_started_in_a_failed_transaction_is_undone_too() {
    let (_server, mut client, mut witness, mut heard) = ledger_heard().await;
    assert_eq!(heard.next().await, "0", "the initial state");
    assert_eq!(client.call_error("everything", json!([true])).await, "undone");
    for text in ["before", "before false"] {
        assert_eq!(witness.next().await.text(), text);
    }
    assert_eq!(witness.drain().await, []);
    client.call("everything", json!([false])).await;
    assert_eq!(witness.next().await.text(), "before");
    assert_eq!(witness.json().await, changed(&json!({ "entries": 1 })));
    for text in ["inside", "inside true"] {
        assert_eq!(witness.next().await.text(), text);
    }
    assert_eq!(heard.next().await, "1", "the first report is that of the second call");
    assert_eq!(heard.next().await, "task");
}

#[tokio::test]
async fn s107_a_panic_takes_back_its_turn_and_no_other() {
    let (_server, mut client, mut witness) = ledger().await;
    client.call_error("panicsInside", json!([])).await;
    booked(&mut client, &mut witness, &[]).await;
    client.call_error("twoTurns", json!([])).await;
    booked(&mut client, &mut witness, &["first turn"]).await;
}

#[tokio::test]
async fn s107_an_error_takes_back_no_more_than_its_statement() {
    let (_server, mut client, mut witness) = ledger().await;
    client.call("refusedStatement", json!([])).await;
    booked(&mut client, &mut witness, &["good", "also good"]).await;
    assert_eq!(client.call_error("errsAfter", json!([])).await, "an error is an answer");
    booked(&mut client, &mut witness, &["good", "also good", "kept"]).await;
    client.call_error("batch", json!([])).await;
    booked(&mut client, &mut witness, &["good", "also good", "kept"]).await;
}
