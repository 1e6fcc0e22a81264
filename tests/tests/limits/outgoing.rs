//! Memory of outgoing messages, from the turn that sends them to the socket.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use agents::Response;
use agents::axum::body::Body;
use agents::bytes::Bytes;
use agents::http::Request;
use agents::limits::{Limit, Limits};
use agents::prelude::*;
use agents::testing::{TestConnection, TestHost};
use futures_util::{StreamExt, stream};
use tokio::task::yield_now;

use crate::support::hits;

/// The limit of an agent in these tests.
const LIMIT: usize = 1024 * 1024;
/// The bytes that may exceed a limit: the messages of one turn before it is refused, and message headers.
const MARGIN: usize = 64 * 1024;

#[wire]
#[derive(Clone, Default)]
struct Note {
    text: String,
}

/// The number of reads that were handled, or of chunks that were made.
type Handled = Arc<AtomicUsize>;

/// An agent that sends large amounts of data.
#[agent(state = Note, connection = Note, env = Handled, hibernate_after = "1h")]
#[derive(Default)]
struct Press;

#[agent]
impl Press {
    #[callable]
    fn sends(&self, from: &Connection<Self>) -> Result<()> {
        let text = "x".repeat(1000);
        loop {
            from.send(text.as_str())?;
        }
    }

    #[callable]
    fn broadcasts(&self, cx: &Context<Self>) -> Result<()> {
        loop {
            cx.broadcast("")?;
        }
    }

    #[callable]
    fn keeps(&self, from: &Connection<Self>) -> Result<()> {
        let note = Note { text: "x".repeat(1000) };
        loop {
            from.set_state(note.clone())?;
        }
    }

    #[callable]
    fn changes(&self, cx: &Context<Self>) -> Result<()> {
        loop {
            cx.update_state(|note| note.text.push_str(&"x".repeat(1000)))?;
        }
    }

    #[callable]
    fn streams(&self, out: &StreamingResponse<String>) -> Result<()> {
        loop {
            out.send(String::new())?;
        }
    }

    /// Returns an endless stream of numbers that is always ready. Counts the numbers that were requested.
    #[callable]
    fn numbers(&self, cx: &Context<Self>) -> impl Stream<Item = usize> + use<> {
        let handled = cx.env().clone();
        stream::iter((0..).inspect(move |_| {
            handled.fetch_add(1, Ordering::SeqCst);
        }))
    }

    /// Sends the same numbers through a response object.
    #[callable]
    async fn counts(&self, cx: &Context<Self>, out: &StreamingResponse<usize>) -> Result<()> {
        for n in 0.. {
            out.ready().await;
            if !out.is_open() {
                break;
            }
            cx.env().fetch_add(1, Ordering::SeqCst);
            out.send(n)?;
        }
        Ok(())
    }

    /// Sends a small chunk in each turn, whether the reader takes it or not.
    #[callable]
    async fn drips(&self, out: &StreamingResponse<String>) -> Result<()> {
        let text = "x".repeat(1000);
        loop {
            out.send(text.clone())?;
            yield_now().await;
        }
    }

    #[hook]
    async fn on_request(&self, cx: &Context<Self>, _request: agents::Request) -> Result<Response> {
        let handled = cx.env().clone();
        let pieces = stream::repeat_with(move || {
            handled.fetch_add(1, Ordering::SeqCst);
            Ok::<_, Infallible>(Bytes::from(vec![0; MARGIN]))
        });
        Ok(Response::new(Body::from_stream(pieces)))
    }

    #[callable]
    fn length(&self, cx: &Context<Self>) -> Result<usize> {
        Ok(cx.state()?.text.len())
    }

    #[callable]
    fn write(&self, cx: &Context<Self>) -> Result<()> {
        cx.storage().put("written", &true)
    }

    #[callable]
    fn read(&self, cx: &Context<Self>, bytes: usize) -> String {
        cx.env().fetch_add(1, Ordering::SeqCst);
        "x".repeat(bytes)
    }
}

fn host(change: impl Fn(&mut Limits) + Send + Sync + 'static) -> (TestHost, Handled) {
    let handled = Handled::default();
    let env = handled.clone();
    let program = move || {
        let mut limits = Limits::default();
        limits.outgoing_bytes_per_agent = LIMIT;
        change(&mut limits);
        Agents::new().register::<Press>().env(env.clone()).limits(limits)
    };
    (TestHost::start(program).expect("the host starts"), handled)
}

async fn join(host: &TestHost, name: &str) -> TestConnection {
    let mut client = host.connect(&format!("/agents/press/{name}")).await;
    client.greeting().await;
    client
}

#[tokio::test(start_paused = true)]
async fn a_turn_that_sends_without_end_is_refused_and_others_go_on() {
    let (host, _) = host(|_| {});
    for (count, method) in ["sends", "broadcasts", "keeps", "streams", "changes"].into_iter().enumerate() {
        let mut client = join(&host, "one").await;
        let error = client.call_error(method, ()).await;
        assert_eq!(error, "too much is waiting to be sent", "{method}");
        assert_eq!(hits(&host, Limit::OutgoingBytesPerAgent), count as u64 + 1, "{method}");
        assert_eq!(client.call::<String>("read", (3,)).await, "xxx", "{method}");
        assert_eq!(host.host().metrics().outgoing_bytes, 0, "{method}: the memory is released");
    }
    let mut client = join(&host, "one").await;
    let length: usize = client.call("length", ()).await;
    // The states have 1, 2, .. thousand bytes. The last state that was sent is the one that is stored.
    assert!((40_000..50_000).contains(&length), "{length}");
}

#[tokio::test(start_paused = true)]
async fn one_message_passes_however_small_the_limit_is() {
    let (host, _) = host(|limits| limits.outgoing_bytes_per_agent = 0);
    let mut client = join(&host, "one").await;
    let answer: String = client.call("read", (5 * LIMIT,)).await;
    assert_eq!(answer.len(), 5 * LIMIT);
    assert_eq!(hits(&host, Limit::OutgoingBytesPerAgent), 0);
}

#[tokio::test(start_paused = true)]
async fn a_client_of_a_slow_disk_has_no_more_messages_handled_than_it_may() {
    let (host, handled) = host(|limits| limits.in_flight_per_connection = 10);
    let mut client = join(&host, "one").await;
    let mut other = join(&host, "two").await;
    client.call::<()>("write", ()).await;
    let held = host.faults().hold_syncs();
    let mut ids = vec![client.start_call("write", ()).await];
    for _ in 0..100 {
        ids.push(client.start_call("read", (1,)).await);
    }
    while hits(&host, Limit::InFlightPerConnection) == 0 || handled.load(Ordering::SeqCst) < 9 {
        yield_now().await;
    }
    for _ in 0..20 {
        other.call::<String>("read", (1,)).await;
    }
    assert_eq!(handled.load(Ordering::SeqCst), 9 + 20, "the write and nine reads are not answered yet");
    drop(held);
    for id in ids {
        client.try_answer(&id).await.expect("an answer");
    }
    assert_eq!(handled.load(Ordering::SeqCst), 100 + 20);
}

#[tokio::test(start_paused = true)]
async fn an_agent_whose_answers_cannot_leave_takes_no_messages_beyond_its_limit() {
    let (host, handled) = host(|_| {});
    let mut client = join(&host, "one").await;
    let mut other = join(&host, "two").await;
    client.call::<()>("write", ()).await;
    let held = host.faults().hold_syncs();
    let mut ids = vec![client.start_call("write", ()).await];
    for _ in 0..100 {
        ids.push(client.start_call("read", (LIMIT / 16,)).await);
    }
    // The agent stops at half of its limit.
    while handled.load(Ordering::SeqCst) < 8 {
        yield_now().await;
    }
    for _ in 0..20 {
        other.call::<String>("read", (1,)).await;
    }
    assert_eq!(handled.load(Ordering::SeqCst), 8 + 20);
    let waits = host.host().metrics().outgoing_bytes;
    assert!((LIMIT / 2..LIMIT / 2 + MARGIN).contains(&waits), "{waits}");
    drop(held);
    for id in ids {
        client.try_answer(&id).await.expect("an answer");
    }
    assert_eq!((handled.load(Ordering::SeqCst), hits(&host, Limit::OutgoingBytesPerAgent)), (120, 0));
}

#[tokio::test(start_paused = true)]
async fn a_call_with_a_long_id_is_told_so_and_its_connection_goes_on() {
    let (host, handled) = host(|_| {});
    let mut client = join(&host, "one").await;
    let call = |len: usize| {
        json!({ "type": "rpc", "id": "i".repeat(len), "method": "read", "args": [1] }).to_string()
    };
    client.send(call(128)).await;
    assert_eq!(client.json().await["id"], "i".repeat(128));
    client.send(call(129)).await;
    assert_eq!(
        client.next().await.text(),
        r#"{"error":"The id of a call has at most 128 bytes","id":null,"success":false,"type":"rpc"}"#
    );
    assert_eq!(handled.load(Ordering::SeqCst), 1);
    assert_eq!(client.call::<String>("read", (2,)).await, "xx");
}

/// The maximum number of chunks of `numbers` in flight: those that may wait, and those that fit into the
/// pipe.
const UNDER_WAY: usize = 4000;

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_always_ready_goes_as_fast_as_it_is_read() {
    for method in ["numbers", "counts"] {
        let (host, handled) = host(|_| {});
        let mut other = join(&host, "one").await;
        let mut client = join(&host, "one").await;
        let id = client.start_call(method, ()).await;
        for _ in 0..100 {
            other.call::<usize>("length", ()).await;
        }
        let made = handled.load(Ordering::SeqCst);
        assert!((1..UNDER_WAY).contains(&made), "{method}: {made} pieces, and none was read");
        for n in 0..20_000 {
            assert_eq!(client.json().await["result"], n, "{method}");
            let made = handled.load(Ordering::SeqCst);
            assert!(made < n + UNDER_WAY, "{method}: {made} pieces, and {n} were read");
        }
        client.send(json!({ "type": "rpc_cancel", "id": id }).to_string()).await;
        client.drain().await;
        let made = handled.load(Ordering::SeqCst);
        client.drain().await;
        assert_eq!(handled.load(Ordering::SeqCst), made, "{method} has ended");
        assert_eq!(host.host().metrics().outgoing_bytes, 0, "{method}");
    }
}

#[tokio::test(start_paused = true)]
async fn streams_of_one_client_share_what_may_wait_for_it() {
    let (host, handled) = host(|limits| limits.outbox_bytes = 512 * 1024);
    let mut other = join(&host, "one").await;
    let mut client = join(&host, "one").await;
    let mut ids = Vec::new();
    for _ in 0..50 {
        ids.push(client.start_call("numbers", ()).await);
    }
    for _ in 0..100 {
        other.call::<usize>("length", ()).await;
    }
    let made = handled.load(Ordering::SeqCst);
    assert!((50..UNDER_WAY).contains(&made), "{made} pieces, and none was read");
    let mut read = vec![0; ids.len()];
    while read.iter().any(|count| *count < 100) {
        let frame = client.json().await;
        let stream = ids.iter().position(|id| frame["id"] == *id).expect("one of them");
        assert_eq!(frame["result"], read[stream]);
        read[stream] += 1;
    }
    assert_eq!(hits(&host, Limit::OutboxBytes), 0);
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_is_far_behind_ends_a_stream_that_does_not_wait_for_it() {
    let (host, _) = host(|limits| limits.outbox_bytes = LIMIT);
    let mut client = join(&host, "one").await;
    let id = client.start_call("drips", ()).await;
    while hits(&host, Limit::OutboxBytes) == 0 {
        yield_now().await;
    }
    assert!(host.host().metrics().outgoing_bytes < LIMIT / 2 + 2 * MARGIN);
    // The connection stays open.
    assert_eq!(client.answer(&id).await["error"], "too much is waiting to be sent");
    assert!(client.drain().await.len() > 200, "what was sent before arrives");
}

#[tokio::test(start_paused = true)]
async fn the_body_of_a_response_goes_as_fast_as_it_is_read() {
    let (host, handled) = host(|_| {});
    let mut other = join(&host, "one").await;
    let request = Request::get("/agents/press/one").body(Body::empty()).expect("a request");
    let mut pieces = host.request(request).await.into_body().into_data_stream();
    for read in 0..50 {
        for _ in 0..5 {
            other.call::<usize>("length", ()).await;
        }
        let made = handled.load(Ordering::SeqCst);
        // A quarter of a MiB may be in flight, and one chunk is made ahead.
        assert!(made <= read + 5, "{made} pieces, and {read} were read");
        assert_eq!(pieces.next().await.expect("a piece").expect("no error").len(), MARGIN);
    }
    drop(pieces);
}
