//! Memory of bodies, of mailboxes, and of all clients together.

use std::convert::Infallible;

use agents::axum::body::Body;
use agents::bytes::Bytes;
use agents::http::Request;
use agents::limits::{Limit, Rate};
use agents_tests::Received;
use futures_util::StreamExt;
use futures_util::future::join_all;
use futures_util::stream;

use crate::support::{body, hits, host, secs};

fn post(name: &str, body: impl Into<Body>) -> Request<Body> {
    Request::post(format!("/agents/desk/{name}")).body(body.into()).expect("a request")
}

/// Returns a body that arrives in chunks with pauses.
fn slowly(pieces: usize, len: usize, pause: u64) -> Body {
    let pieces = stream::iter(0..pieces).then(move |_| async move {
        tokio::time::sleep(secs(pause)).await;
        Ok::<_, Infallible>(Bytes::from(vec![b'x'; len]))
    });
    Body::from_stream(pieces)
}

#[tokio::test(start_paused = true)]
async fn a_body_that_stops_on_its_way_is_408() {
    let host = host(|_| {});
    let answer = host.request(post("one", slowly(5, 10, 29))).await;
    assert_eq!((answer.status().as_u16(), body(answer).await), (200, "50".to_owned()), "progress resets it");
    let start = tokio::time::Instant::now();
    let answer = host.request(post("one", slowly(1, 10, 1000))).await;
    assert_eq!((answer.status().as_u16(), start.elapsed().as_secs()), (408, 30));
    assert_eq!(hits(&host, Limit::BodyTimeout), 1);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_too_large_is_413_and_counts() {
    let host = host(|limits| limits.body_bytes = 100);
    assert_eq!(host.request(post("one", vec![0; 100])).await.status(), 200);
    assert_eq!(host.request(post("one", vec![0; 101])).await.status(), 413);
    assert_eq!(host.request(post("one", slowly(11, 10, 1))).await.status(), 413);
    assert_eq!(hits(&host, Limit::BodyBytes), 2);
}

#[tokio::test(start_paused = true)]
async fn bodies_share_the_memory_for_clients_and_small_ones_always_pass() {
    let host = host(|limits| limits.incoming_bytes = 200_000);
    let waiting = host.request(post("one/wait", vec![0; 150_000]));
    let late = async {
        host.advance(secs(1)).await;
        assert_eq!(host.host().metrics().incoming_bytes, 150_000, "counted until the body is read");
        let answer = host.request(post("two", vec![0; 100_000])).await;
        assert_eq!((answer.status().as_u16(), body(answer).await), (503, "The server is busy".to_owned()));
        assert_eq!(host.request(post("two", vec![0; 60_000])).await.status(), 200);
        let mut client = host.connect("/agents/desk/two").await;
        client.greeting().await;
        client.send_bytes(vec![0; 300_000]).await;
        assert_eq!(client.end().await, Received::Close(1013, "server is busy".to_owned()));
    };
    let (first, ()) = tokio::join!(waiting, late);
    assert_eq!(body(first).await, "150000");
    assert_eq!(hits(&host, Limit::IncomingBytes), 2);
    host.advance(secs(1)).await;
    assert_eq!(host.host().metrics().incoming_bytes, 0);
    assert_eq!(host.request(post("two", vec![0; 150_000])).await.status(), 200);
}

/// Returns a JSON list with this number of zeros.
fn zeros(count: usize) -> String {
    format!("[{}0]", "0,".repeat(count - 1))
}

#[tokio::test(start_paused = true)]
async fn a_body_that_a_handler_has_collected_counts_as_what_it_may_become_until_the_request_is_over() {
    let host = host(|limits| limits.incoming_bytes = 20_000_000);
    let used = || host.host().metrics().incoming_bytes;
    let json = zeros(100_000);
    let thinking = host.request(post("one/think", json.clone()));
    let meanwhile = async {
        host.advance(secs(1)).await;
        let as_value = used();
        assert!((3_000_000..15_000_000).contains(&as_value), "{as_value} bytes are held");
        let late = host.request(post("two", zeros(400_000))).await;
        assert_eq!(
            (late.status().as_u16(), body(late).await),
            (503, r#"{"code":"unavailable","message":"The server is busy"}"#.to_owned())
        );
        assert_eq!(used(), as_value);
        // The same bytes as a string are not a list, and need less memory.
        let text = format!("\"{}\"", zeros(400_000));
        assert_eq!(body(host.request(post("two", text)).await).await, "800003");
    };
    let (first, ()) = tokio::join!(thinking, meanwhile);
    assert_eq!(body(first).await, json.len().to_string());
    host.advance(secs(1)).await;
    assert_eq!((used(), hits(&host, Limit::IncomingBytes)), (0, 1));
    // Together, many requests get the memory of the budget and no more.
    let crowd = (0..20).map(|n| host.request(post(&format!("{n}/think"), zeros(100_000))));
    let answers = join_all(crowd).await;
    let served = answers.iter().filter(|answer| answer.status() == 200).count();
    assert!((1..=6).contains(&served), "{served} of 20 were served");
    assert!(answers.iter().all(|answer| matches!(answer.status().as_u16(), 200 | 503)));
}

#[tokio::test(start_paused = true)]
async fn a_body_that_a_handler_passes_on_takes_no_more_than_its_window() {
    let host = host(|limits| limits.incoming_bytes = 600_000);
    let answer = host.request(post("one/pass-on", zeros(2_000_000))).await;
    assert_eq!((answer.status().as_u16(), body(answer).await), (200, "4000001".to_owned()));
    // The body also passes while others use all the memory: its chunks are then read one after the other.
    let waiting = host.request(post("one/wait", vec![0; 250_000]));
    let others = host.request(post("two/wait", vec![0; 250_000]));
    let meanwhile = async {
        host.advance(secs(1)).await;
        let answer = host.request(post("three/pass-on", vec![b'x'; 2_000_000])).await;
        assert_eq!((answer.status().as_u16(), body(answer).await), (200, "2000000".to_owned()));
        let kept = host.request(post("three", vec![b'x'; 2_000_000])).await;
        assert_eq!(kept.status(), 503);
    };
    let (first, second, ()) = tokio::join!(waiting, others, meanwhile);
    assert_eq!((body(first).await, body(second).await), ("250000".to_owned(), "250000".to_owned()));
    host.advance(secs(1)).await;
    assert_eq!(host.host().metrics().incoming_bytes, 0);
}

#[tokio::test(start_paused = true)]
async fn a_full_mailbox_makes_its_clients_wait_and_loses_nothing() {
    for by_bytes in [false, true] {
        let host = host(move |limits| match by_bytes {
            true => limits.mailbox_bytes = 1000,
            false => limits.mailbox_messages = 3,
        });
        // The agent needs five seconds to start and reads no message until then.
        let mut client = host.connect("/agents/desk/slow").await;
        let mut ids = Vec::new();
        for n in 0..100 {
            ids.push(client.start_call("wait", (0, "x".repeat(n))).await);
        }
        let start = tokio::time::Instant::now();
        let mut other = host.connect("/agents/desk/other").await;
        other.greeting().await;
        assert_eq!(start.elapsed(), secs(0), "another agent is not delayed");
        for id in ids {
            client.answer(&id).await;
        }
        let limit = if by_bytes { Limit::MailboxBytes } else { Limit::MailboxMessages };
        assert!(hits(&host, limit) > 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_sends_too_fast_is_slowed_down_and_loses_nothing() {
    let host = host(|limits| limits.messages_per_second = Some(Rate::per_second(10).burst(5)));
    let mut fast = host.connect("/agents/desk/one").await;
    let mut other = host.connect("/agents/desk/one").await;
    fast.greeting().await;
    other.greeting().await;
    let start = tokio::time::Instant::now();
    let mut ids = Vec::new();
    for _ in 0..55 {
        ids.push(fast.start_call("wait", (0,)).await);
    }
    other.call::<u64>("wait", (0,)).await;
    assert!(start.elapsed() < secs(1), "other agents are not delayed");
    for id in ids {
        assert_eq!(fast.answer(&id).await["success"], true);
    }
    let passed = start.elapsed().as_millis();
    assert!((4_900..5_200).contains(&passed), "{passed} ms for 50 beyond the burst");
    assert_eq!(hits(&host, Limit::MessagesPerSecond), 50);
}
