//! Streams between agents.

use std::sync::atomic::Ordering;

use agents::prelude::*;
use futures_util::StreamExt;

use crate::support::{Levers, Peer, host};

/// Waits until the endless stream of another agent has ended.
async fn quiet(levers: &Levers) {
    while levers.streams.load(Ordering::SeqCst) != 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn pieces_come_in_their_order_and_the_result_last() {
    let (host, _levers) = host();
    let peer = host.host().get::<Peer>("a");
    for (method, result) in [("spoken", json!("said")), ("numbers", json!(null))] {
        let mut pieces = peer.call_streaming::<u32>(method, (100,)).await.unwrap();
        assert_eq!(pieces.result().unwrap_err().code(), "stream_open");
        for n in 0..100 {
            assert_eq!(pieces.next().await.unwrap().unwrap(), n);
        }
        assert!(pieces.next().await.is_none() && pieces.next().await.is_none());
        assert_eq!(pieces.result().unwrap(), result);
    }
    // A plain call of a stream returns only its result.
    assert_eq!(peer.call::<String>("spoken", (3,)).await.unwrap(), "said");
    // A streaming call of a plain method is a stream without chunks.
    let mut pieces = peer.call_streaming::<u32>("add", (3,)).await.unwrap();
    assert!(pieces.next().await.is_none());
    assert_eq!(pieces.result().unwrap(), 3);
}

#[tokio::test(start_paused = true)]
async fn an_error_ends_a_stream() {
    let (host, _levers) = host();
    let mut pieces = host.host().get::<Peer>("a").call_streaming::<u32>("breaks", ()).await.unwrap();
    assert_eq!(pieces.next().await.unwrap().unwrap(), 1);
    assert_eq!(pieces.next().await.unwrap().unwrap_err().to_string(), "no more paper");
    assert!(pieces.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn who_drops_a_stream_stops_it() {
    let (host, levers) = host();
    let mut pieces = host.host().get::<Peer>("a").call_streaming::<u32>("endless", (0,)).await.unwrap();
    assert_eq!(pieces.next().await.unwrap().unwrap(), 0);
    assert_eq!(levers.streams.load(Ordering::SeqCst), 1);
    drop(pieces);
    quiet(&levers).await;
}

#[tokio::test(start_paused = true)]
async fn a_client_that_stops_a_relayed_stream_stops_its_source() {
    let (host, levers) = host();
    let mut client = host.connect("/agents/peer/a").await;
    let id = client.start_call("relay", ("b", "numbers", 50)).await;
    client.try_answer(&id).await.unwrap();
    let chunks = client.drain_json().await;
    let numbers: Vec<_> = chunks.iter().filter_map(|frame| frame["result"].as_u64()).collect();
    assert_eq!(numbers, (0..50).collect::<Vec<_>>());

    let id = client.start_call("relay", ("b", "endless", 7)).await;
    assert_eq!(client.json().await["result"], 7);
    assert_eq!(levers.streams.load(Ordering::SeqCst), 1);
    client.send(json!({ "type": "rpc_cancel", "id": id }).to_string()).await;
    quiet(&levers).await;
}

#[tokio::test(start_paused = true)]
async fn a_flood_ends_a_stream() {
    let (host, _levers) = host();
    let mut pieces = host.host().get::<Peer>("a").floods().await.unwrap();
    let mut count = 0;
    let error = loop {
        match pieces.next().await.unwrap() {
            Ok(piece) => assert_eq!(piece.len(), 1024 * 1024),
            Err(error) => break error,
        }
        count += 1;
    };
    // The bound is half of the bytes that may wait for a socket, including the headers of the chunks.
    assert_eq!((error.code(), count), ("overflow", 31));
    assert!(pieces.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_waits_for_its_reader_overflows_nothing() {
    let (host, levers) = host();
    let mut pieces = host.host().get::<Peer>("a").pours().await.unwrap();
    for read in 1..=100 {
        assert_eq!(pieces.next().await.unwrap().unwrap().len(), 1024 * 1024);
        let poured = levers.poured.load(Ordering::SeqCst);
        assert!(poured <= read + 4, "{poured} pieces were sent, {read} were read");
    }
    assert!(pieces.next().await.is_none());
    assert_eq!(pieces.result().unwrap(), 100);
}
