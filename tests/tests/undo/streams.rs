//! Undone chunks and ends of streamed answers, for clients and for other agents.

use agents::prelude::*;
use agents::serde_json::Value;
use agents::testing::{TestConnection, TestHost};
use futures_util::StreamExt;

#[agent]
#[derive(Default)]
struct Says;

fn rows(cx: &Context<Says>) -> Result<u32> {
    cx.sql().query_one("SELECT count(*) FROM t", ())
}

#[agent]
impl Says {
    #[hook]
    fn on_start(&self, cx: &Context<Self>) -> Result<()> {
        cx.sql().execute("CREATE TABLE IF NOT EXISTS t (a)", ()).map(|_| ())
    }

    #[callable]
    fn end_and_panic(&self, out: &StreamingResponse<u32>) -> Result<()> {
        out.send(1)?;
        out.end(7)?;
        panic!("on purpose")
    }

    #[callable]
    fn fail_and_panic(&self, out: &StreamingResponse<u32>) -> Result<()> {
        out.error("never said")?;
        panic!("on purpose")
    }

    #[callable]
    async fn end_then_panic(&self, out: &StreamingResponse<u32>) -> Result<()> {
        out.send(1)?;
        out.end(7)?;
        tokio::task::yield_now().await;
        panic!("on purpose")
    }

    #[callable]
    fn end_and_undo(&self, cx: &Context<Self>, out: &StreamingResponse<u32>) -> Result<u32> {
        out.send(1)?;
        let undone: Result<()> = cx.sql().transaction(|_| {
            out.send(2)?;
            out.end(7)?;
            out.send(3)?;
            assert!(!out.is_open());
            Err(Error::msg("no"))
        });
        assert_eq!(undone.unwrap_err().to_string(), "no");
        assert!(out.is_open(), "the end was undone");
        out.send(4)?;
        Ok(8)
    }

    #[callable]
    fn insert_say_undo(&self, cx: &Context<Self>, out: &StreamingResponse<u32>) -> Result<u32> {
        let undone: Result<()> = cx.sql().transaction(|tx| {
            tx.execute("INSERT INTO t VALUES (1)", ())?;
            out.send(rows(cx)?)?;
            Err(Error::msg("no"))
        });
        assert_eq!(undone.unwrap_err().to_string(), "no");
        rows(cx)
    }

    #[callable]
    fn insert_say_panic(&self, cx: &Context<Self>, out: &StreamingResponse<u32>) -> Result<u32> {
        cx.sql().execute("INSERT INTO t VALUES (1)", ())?;
        out.send(rows(cx)?)?;
        panic!("on purpose")
    }

    /// Sends more chunks than may wait for a reader, all of which are undone.
    #[callable]
    fn too_many_undone(&self, cx: &Context<Self>, out: &StreamingResponse<u32>) -> Result<u32> {
        let undone: Result<()> = cx.sql().transaction(|_| {
            for n in 0..5000 {
                out.send(n)?;
            }
            Err(Error::msg("no"))
        });
        assert!(undone.is_err());
        out.send(1)?;
        Ok(8)
    }

    /// Sends through another handler in its own turn. That handler panics.
    #[callable]
    async fn spawned_panic(&self, cx: &Context<Self>, out: &StreamingResponse<u32>) -> Result<u32> {
        let theirs = out.clone();
        cx.spawn(async move {
            theirs.send(1)?;
            tokio::task::yield_now().await;
            theirs.send(2)?;
            theirs.end(7)?;
            panic!("on purpose");
            #[allow(unreachable_code)]
            Ok::<(), Error>(())
        })?;
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        Ok(8)
    }

    /// Calls the agent `callee` of the same class, and returns the received items.
    #[callable]
    async fn relay(&self, cx: &Context<Self>, method: String) -> Result<Vec<String>> {
        let mut stream = cx.agent::<Self>("callee").call_streaming::<u32>(&method, ()).await?;
        let mut received = Vec::new();
        while let Some(item) = stream.next().await {
            received.push(match item {
                Ok(n) => n.to_string(),
                Err(error) => error.code().to_owned(),
            });
        }
        if let Ok(result) = stream.result() {
            received.push(format!("= {result}"));
        }
        Ok(received)
    }
}

/// Returns what a client receives of a call, in the form of `relay`.
async fn received(client: &mut TestConnection, method: &str) -> Vec<String> {
    let id = client.start_call(method, ()).await;
    let last = client.answer(&id).await;
    let mut received = Vec::new();
    // An answer to a later call comes after all other frames.
    let mut frames = client.drain_json().await;
    frames.push(last);
    for frame in frames {
        assert_eq!(frame["id"], id.as_str(), "{frame}");
        received.push(match (&frame["success"], &frame["done"]) {
            (Value::Bool(false), _) => "panic".to_owned(),
            (_, Value::Bool(false)) => frame["result"].to_string(),
            _ => format!("= {}", frame["result"]),
        });
    }
    received
}

#[tokio::test(start_paused = true)]
async fn what_a_stream_said_is_undone_with_its_turn_or_transaction() {
    let host = TestHost::start(|| Agents::new().register::<Says>()).unwrap();
    let mut client = host.agent::<Says>("one").connect("").await;
    client.greeting().await;
    for (method, expected) in [
        ("endAndPanic", &["panic"][..]),
        ("failAndPanic", &["panic"]),
        ("endThenPanic", &["1", "= 7"]),
        ("endAndUndo", &["1", "4", "= 8"]),
        ("insertSayUndo", &["= 0"]),
        ("insertSayPanic", &["panic"]),
        ("tooManyUndone", &["1", "= 8"]),
        ("spawnedPanic", &["1", "= 8"]),
    ] {
        assert_eq!(received(&mut client, method).await, expected, "a client of {method}");
        assert_eq!(client.call::<Vec<String>>("relay", (method,)).await, expected, "an agent, {method}");
    }
}
