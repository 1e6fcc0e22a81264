//! Streaming answers.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};

use agents::prelude::*;
use agents_tests::TestServer;
use futures_util::stream;
use tokio::sync::Notify;

use crate::support::{Heard, Tell, line};

#[wire]
#[derive(Clone, Default)]
struct Progress {
    done: u32,
}

#[wire]
struct Token {
    text_part: String,
}

struct Studio {
    tell: Tell,
    go: Arc<Notify>,
}

/// An endless stream of numbers that notes its drop.
struct Endless(Tell, u64);

impl Stream for Endless {
    type Item = u64;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Option<u64>> {
        self.1 += 1;
        if self.1.is_multiple_of(2) {
            // Yields between two numbers, as a real source does.
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Some(self.1))
    }
}

impl Drop for Endless {
    fn drop(&mut self) {
        self.0.tell("dropped");
    }
}

/// An agent whose answers are streams.
#[agent(state = Progress, env = Studio)]
#[derive(Default)]
struct Voice;

#[agent]
impl Voice {
    #[callable]
    fn count(&self, out: &StreamingResponse<u32>, to: u32) -> Result<String> {
        for n in 0..to {
            out.send(n)?;
        }
        Ok("counted".to_owned())
    }

    #[callable]
    fn tokens(&self, out: &StreamingResponse<Token>) -> Result<()> {
        out.send(Token { text_part: "a".to_owned() })
    }

    #[callable]
    fn numbers(&self, to: u32) -> impl Stream<Item = Result<u32>> {
        stream::iter((0..to).map(Ok))
    }

    #[callable]
    fn plain_numbers(&self, to: u32) -> impl Stream<Item = u32> {
        stream::iter(0..to)
    }

    #[callable]
    fn breaks(&self) -> impl Stream<Item = Result<u32>> {
        stream::iter([Ok(1), Err(Error::msg("no more paper")), Ok(3)])
    }

    #[callable]
    fn fails(&self, out: &StreamingResponse<u32>) -> Result<u32> {
        out.send(1)?;
        Err(Error::msg("lost the thread"))
    }

    #[callable]
    fn ends_early(&self, out: &StreamingResponse<u32>) -> Result<u32> {
        out.send(1)?;
        out.end(99)?;
        out.send(2)?;
        out.end(100)?;
        out.error("too late")?;
        Ok(101)
    }

    #[callable]
    fn errs_early(&self, out: &StreamingResponse<u32>) -> Result<u32> {
        out.send(1)?;
        out.error("that was it")?;
        out.send(2)?;
        out.end(100)?;
        Ok(101)
    }

    #[callable]
    async fn waits(&self, cx: &View<Self>, out: &StreamingResponse<u32>) -> Result<u32> {
        out.send(1)?;
        cx.env().go.notified().await;
        out.send(2)?;
        Ok(3)
    }

    #[callable]
    fn go(&self, cx: &View<Self>) {
        cx.env().go.notify_one();
    }

    #[callable]
    async fn sends_then_panics(&self, out: &StreamingResponse<u32>) -> Result<u32> {
        out.send(1)?;
        tokio::task::yield_now().await;
        panic!("a secret")
    }

    #[callable]
    fn with_state(&self, cx: &Context<Self>, out: &StreamingResponse<u32>) -> Result<()> {
        for n in 1..=3 {
            cx.set_state(Progress { done: n })?;
            out.send(n)?;
        }
        Ok(())
    }

    #[callable]
    async fn until_gone(&self, cx: &View<Self>, out: &StreamingResponse<u32>) -> Result<()> {
        out.send(0)?;
        while out.is_open() {
            tokio::task::yield_now().await;
        }
        cx.env().tell.tell("no reader");
        // Sending without a reader is not an error.
        out.send(1)
    }

    #[callable]
    fn endless(&self, cx: &View<Self>) -> impl Stream<Item = u64> + use<> {
        Endless(cx.env().tell.clone(), 0)
    }

    #[callable]
    async fn until_closed(&self, cx: &View<Self>, out: &StreamingResponse<u32>) -> Result<u32> {
        out.send(0)?;
        out.closed().await;
        cx.env().tell.tell("closed");
        Ok(1)
    }

    #[callable(exclusive)]
    async fn one_by_one(&self, cx: &View<Self>, out: &StreamingResponse<u32>) -> Result<()> {
        cx.env().tell.tell("begun");
        out.send(0)?;
        out.closed().await;
        Ok(())
    }

    #[callable]
    fn not_streaming(&self) -> u32 {
        4
    }
}

async fn voice() -> (TestServer, Heard) {
    let (tell, heard) = line();
    let studio = Studio { tell, go: Arc::default() };
    (TestServer::start(Agents::new().register::<Voice>().env(studio)).await, heard)
}

#[tokio::test]
async fn s112_chunks_and_the_end_are_exact() {
    let (server, _heard) = voice().await;
    let mut client = server.join("/agents/voice/a", true).await;
    client.start_call("count", json!([2])).await;
    for frame in [
        r#"{"done":false,"id":"call-1","result":0,"success":true,"type":"rpc"}"#,
        r#"{"done":false,"id":"call-1","result":1,"success":true,"type":"rpc"}"#,
        r#"{"done":true,"id":"call-1","result":"counted","success":true,"type":"rpc"}"#,
    ] {
        assert_eq!(client.next().await.text(), frame);
    }
    client.start_call("tokens", json!([])).await;
    for frame in [
        r#"{"done":false,"id":"call-2","result":{"textPart":"a"},"success":true,"type":"rpc"}"#,
        r#"{"done":true,"id":"call-2","success":true,"type":"rpc"}"#,
    ] {
        assert_eq!(client.next().await.text(), frame);
    }
    assert_eq!(client.drain().await, []);
}

#[tokio::test]
async fn s112_a_returned_stream_is_a_stream_without_a_result() {
    let (server, _heard) = voice().await;
    let mut client = server.join("/agents/voice/a", true).await;
    for method in ["numbers", "plainNumbers"] {
        let id = client.start_call(method, json!([2])).await;
        for n in 0..2 {
            let chunk = json!({ "done": false, "id": id, "result": n, "success": true, "type": "rpc" });
            assert_eq!(client.json().await, chunk);
        }
        let end = json!({ "done": true, "id": id, "success": true, "type": "rpc" });
        assert_eq!(client.json().await, end);
        // An empty stream has only an end.
        let id = client.start_call(method, json!([0])).await;
        assert_eq!(client.json().await, json!({ "done": true, "id": id, "success": true, "type": "rpc" }));
    }
}

#[tokio::test]
async fn s132_an_error_ends_a_stream() {
    let (server, _heard) = voice().await;
    let mut client = server.join("/agents/voice/a", true).await;
    for (method, text) in
        [("breaks", "no more paper"), ("fails", "lost the thread"), ("errsEarly", "that was it")]
    {
        let id = client.start_call(method, json!([])).await;
        assert_eq!(client.json().await["result"], 1);
        assert_eq!(client.json().await, json!({ "error": text, "id": id, "success": false, "type": "rpc" }));
        assert_eq!(client.drain().await, [], "{method}: no frame comes after the end");
    }
    let id = client.start_call("sendsThenPanics", json!([])).await;
    assert_eq!(client.json().await["result"], 1);
    let error = client.answer(&id).await["error"].to_string();
    assert!(error.contains("Internal error") && !error.contains("secret"), "{error}");
}

#[tokio::test]
async fn s112_what_comes_after_the_end_is_dropped() {
    let (server, _heard) = voice().await;
    let mut client = server.join("/agents/voice/a", true).await;
    let id = client.start_call("endsEarly", json!([])).await;
    assert_eq!(client.json().await["result"], 1);
    let end = json!({ "done": true, "id": id, "result": 99, "success": true, "type": "rpc" });
    assert_eq!(client.json().await, end);
    assert_eq!(client.drain().await, []);
}

#[tokio::test]
async fn s112_a_chunk_arrives_while_the_call_runs_and_others_pass() {
    let (server, _heard) = voice().await;
    let mut client = server.join("/agents/voice/a", true).await;
    let mut other = server.join("/agents/voice/a", true).await;
    let id = client.start_call("waits", json!([])).await;
    assert_eq!(client.json().await["result"], 1, "before the call has ended");
    assert_eq!(client.call("notStreaming", json!([])).await, 4);
    other.call("go", json!([])).await;
    assert_eq!(client.json().await["result"], 2);
    assert_eq!(client.answer(&id).await["result"], 3);
    assert_eq!(other.drain().await, [], "chunks are the caller's alone");
}

#[tokio::test]
async fn s112_states_and_chunks_arrive_in_the_order_they_were_sent() {
    let (server, _heard) = voice().await;
    let mut client = server.join("/agents/voice/a", true).await;
    let id = client.start_call("withState", json!([])).await;
    let mut state = 0;
    loop {
        let frame = client.json().await;
        if frame["type"] == "cf_agent_state" {
            state = frame["state"]["done"].as_i64().expect("a number");
        } else if frame["done"] == false {
            let chunk = frame["result"].as_i64().expect("a number");
            assert!(chunk <= state, "chunk {chunk} came before its state, {state} was the last");
        } else {
            assert_eq!((&frame["id"], state), (&json!(id), 3));
            break;
        }
    }
}

#[tokio::test]
async fn s112_a_stream_without_a_reader_ends() {
    let (server, mut heard) = voice().await;
    let mut client = server.join("/agents/voice/a", true).await;
    client.start_call("untilGone", json!([])).await;
    assert_eq!(client.json().await["result"], 0);
    client.close(Some((1000, ""))).await;
    assert_eq!(heard.next().await, "no reader");

    let mut client = server.join("/agents/voice/a", true).await;
    client.start_call("endless", json!([])).await;
    assert_eq!(client.json().await["result"], 1);
    assert_eq!(client.json().await["result"], 3);
    // The client disconnects without a close frame.
    drop(client);
    assert_eq!(heard.next().await, "dropped");
    let mut client = server.join("/agents/voice/a", true).await;
    assert_eq!(client.call("notStreaming", json!([])).await, 4);
}

#[tokio::test]
async fn s112_two_streams_of_one_client_keep_apart() {
    let (server, _heard) = voice().await;
    let mut client = server.join("/agents/voice/a", true).await;
    let first = client.start_call("waits", json!([])).await;
    let second = client.start_call("count", json!([3])).await;
    assert_eq!(client.answer(&second).await["result"], "counted");
    client.call("go", json!([])).await;
    client.answer(&first).await;
    let frames = client.drain_json().await;
    let of = |id: &str| -> Vec<i64> {
        let mine = frames.iter().filter(|frame| frame["id"] == id);
        mine.filter_map(|frame| frame["result"].as_i64()).collect()
    };
    assert_eq!((of(&first), of(&second)), (vec![1, 2], vec![0, 1, 2]));
}

#[tokio::test]
async fn s133_a_stream_with_wrong_arguments_is_one_error() {
    let (server, _heard) = voice().await;
    let mut client = server.join("/agents/voice/a", true).await;
    assert!(client.call_error("numbers", json!(["x"])).await.contains("`to`"));
    assert!(client.call_error("count", json!([])).await.contains("missing"));
    assert_eq!(client.drain().await, []);
}

fn cancel(id: &str) -> String {
    json!({ "type": "rpc_cancel", "id": id }).to_string()
}

#[tokio::test]
async fn a_reader_that_stops_early_stops_the_stream() {
    let (server, mut heard) = voice().await;
    let mut client = server.join("/agents/voice/a", true).await;
    let told = [("endless", "dropped"), ("untilGone", "no reader"), ("untilClosed", "closed")];
    for (method, told) in told {
        let id = client.start_call(method, json!([])).await;
        assert_eq!(client.json().await["id"], id);
        client.send(cancel(&id)).await;
        assert_eq!(heard.next().await, told);
        // Chunks in flight still arrive, but no end of the stream, and no later frames.
        assert_eq!(client.call("notStreaming", json!([])).await, 4);
        assert!(client.drain_json().await.iter().all(|frame| frame["id"] == id && frame["done"] == false));
        assert_eq!(client.call("notStreaming", json!([])).await, 4);
        assert_eq!(client.drain().await, [], "{method}: a stopped stream sends no more frames");
    }
}

#[tokio::test]
async fn a_stream_that_is_stopped_while_it_waits_never_begins() {
    let (server, mut heard) = voice().await;
    let mut client = server.join("/agents/voice/a", true).await;
    let first = client.start_call("oneByOne", json!([])).await;
    assert_eq!(heard.next().await, "begun");
    let second = client.start_call("oneByOne", json!([])).await;
    client.send(cancel(&second)).await;
    client.send(cancel(&first)).await;
    let third = client.start_call("oneByOne", json!([])).await;
    assert_eq!(heard.next().await, "begun");
    client.send(cancel(&third)).await;
    assert_eq!(client.call("notStreaming", json!([])).await, 4);
    assert!(heard.rest().is_empty(), "the second has begun");
}

#[tokio::test]
async fn a_stop_concerns_one_call_of_one_connection() {
    let (server, mut heard) = voice().await;
    let mut ada = server.join("/agents/voice/a", true).await;
    let mut ben = server.join("/agents/voice/a", true).await;
    let id = ada.start_call("untilClosed", json!([])).await;
    assert_eq!(ada.json().await["id"], id);
    assert_eq!(ben.start_call("untilClosed", json!([])).await, id, "ids belong to connections");
    assert_eq!(ben.json().await["id"], id);
    let other = ada.start_call("untilClosed", json!([])).await;
    assert_eq!(ada.json().await["id"], other);

    // Cancelling no call, a call that has ended, or a call without a stream has no effect.
    let over = ada.start_call("count", json!([0])).await;
    ada.answer(&over).await;
    for id in ["", "call-99", &over] {
        ada.send(cancel(id)).await;
    }
    ada.send(cancel(&id)).await;
    assert_eq!(heard.next().await, "closed");
    assert_eq!(ada.call("notStreaming", json!([])).await, 4);
    assert_eq!(ben.call("notStreaming", json!([])).await, 4);
    assert!(heard.rest().is_empty());
    assert_eq!((ada.drain().await, ben.drain().await), (vec![], vec![]));
}
