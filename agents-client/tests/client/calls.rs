//! Calls and streamed answers over a real socket.

use std::time::Duration;

use crate::support::{Server, soon};
use agents_client::{ClientError, Lost, StreamExt};
use serde_json::json;

#[tokio::test]
async fn calls_carry_arguments_and_give_typed_results() {
    let server = Server::start().await;
    let (client, mut peer) = server.pair().await;
    let peer = async {
        let frame = peer.json().await;
        let expected = json!({ "type": "rpc", "id": frame["id"], "method": "add", "args": [1, 2] });
        assert_eq!(frame, expected);
        assert!(frame["id"].is_string());
        peer.answer(frame["id"].as_str().unwrap(), json!(3)).await;
        let (id, _) = peer.call().await;
        peer.send_json(json!({ "done": true, "id": id, "success": true, "type": "rpc" })).await;
        let (id, _) = peer.call().await;
        peer.answer(&id, json!(null)).await;
        let (id, _) = peer.call().await;
        peer.answer(&id, json!("text")).await;
    };
    let user = async {
        assert_eq!(client.call::<u32>("add", (1, 2)).await.unwrap(), 3);
        client.call::<()>("nothing", ()).await.unwrap();
        assert_eq!(client.call::<Option<u32>>("null", ()).await.unwrap(), None);
        let error = client.call::<u32>("text", ()).await.unwrap_err();
        assert_eq!(error.code(), "deserialize");
        let error = client.call::<u32>("scalar", 1).await.unwrap_err();
        assert_eq!(error.code(), "arguments");
        let error = client.call::<u32>("mean", (vec![1.0, f64::NAN],)).await.unwrap_err();
        assert_eq!(error.code(), "serialize");
        assert!(error.to_string().contains("`[0][1]`: JSON has no number NaN"), "{error}");
    };
    soon(async { tokio::join!(peer, user) }).await;
}

#[tokio::test]
async fn errors_carry_the_text_of_the_agent_and_answers_may_overtake() {
    let server = Server::start().await;
    let (client, mut peer) = server.pair().await;
    let peer = async {
        let (slow, _) = peer.call().await;
        let (fast, _) = peer.call().await;
        peer.fail(&fast, "Method fast does not exist").await;
        peer.answer(&slow, json!("slow")).await;
    };
    let user = async {
        let (slow, fast) = tokio::join!(client.call::<String>("slow", ()), client.call::<String>("fast", ()));
        assert_eq!(slow.unwrap(), "slow");
        let error = fast.unwrap_err();
        assert!(matches!(&error, ClientError::Rpc(text) if text == "Method fast does not exist"));
        assert_eq!(error.to_string(), "Method fast does not exist");
    };
    soon(async { tokio::join!(peer, user) }).await;
}

#[tokio::test]
async fn calls_time_out_and_streams_do_not() {
    let server = Server::start().await;
    // The time jumps below must not look like a silent server.
    let patient = server.client().heartbeat(Duration::from_secs(3600)).connect();
    let (client, mut peer) = tokio::join!(patient, server.accept());
    let client = client.unwrap();
    let mut stream = client.call_streaming::<u32>("stream", ()).await.unwrap();
    let (id, _) = peer.call().await;
    tokio::time::pause();
    let start = tokio::time::Instant::now();
    let error = client.call::<u32>("never", ()).await.unwrap_err();
    assert!(matches!(error, ClientError::Timeout));
    assert_eq!(start.elapsed().as_secs(), 30);
    let error = client.with_timeout(Duration::from_secs(2)).call::<u32>("never", ()).await.unwrap_err();
    assert!(matches!(error, ClientError::Timeout));
    assert_eq!(start.elapsed().as_secs(), 32);
    tokio::time::resume();
    // A late answer is ignored.
    let (late, _) = peer.call().await;
    peer.answer(&late, json!(1)).await;
    peer.chunk(&id, json!(7)).await;
    assert_eq!(soon(stream.next()).await.unwrap().unwrap(), 7);
}

#[tokio::test]
async fn streams_give_their_items_then_the_result() {
    let server = Server::start().await;
    let (client, mut peer) = server.pair().await;
    let peer = async {
        for _ in 0..2 {
            let (id, _) = peer.call().await;
            peer.chunk(&id, json!("a")).await;
            peer.chunk(&id, json!("b")).await;
            peer.answer(&id, json!(2)).await;
        }
        let (id, _) = peer.call().await;
        peer.chunk(&id, json!("a")).await;
        peer.fail(&id, "broken").await;
    };
    let user = async {
        let mut stream = client.call_streaming::<String>("ask", ()).await.unwrap();
        assert_eq!(stream.result::<u32>().unwrap_err().code(), "stream_open");
        assert_eq!(stream.next().await.unwrap().unwrap(), "a");
        assert_eq!(stream.next().await.unwrap().unwrap(), "b");
        assert!(stream.next().await.is_none());
        assert!(stream.next().await.is_none());
        assert_eq!(stream.result::<u32>().unwrap(), 2);

        let stream = client.call_streaming::<String>("ask", ()).await.unwrap();
        assert_eq!(stream.finish::<u32>().await.unwrap(), 2);

        let mut stream = client.call_streaming::<String>("ask", ()).await.unwrap();
        assert_eq!(stream.next().await.unwrap().unwrap(), "a");
        let error = stream.next().await.unwrap().unwrap_err();
        assert!(matches!(error, ClientError::Rpc(text) if text == "broken"));
        assert!(stream.next().await.is_none());
        assert_eq!(stream.result::<u32>().unwrap_err().code(), "rpc");
    };
    soon(async { tokio::join!(peer, user) }).await;
}

#[tokio::test]
async fn a_stream_whose_reader_is_too_slow_fails_and_other_calls_go_on() {
    let server = Server::start().await;
    let (client, peer) = tokio::join!(server.client().stream_buffer(2).connect(), server.accept());
    let (client, mut peer) = (client.unwrap(), peer);
    let mut stream = client.call_streaming::<u32>("many", ()).await.unwrap();
    let peer = async {
        let (many, _) = peer.call().await;
        let (other, _) = peer.call().await;
        for n in 0..10 {
            peer.chunk(&many, json!(n)).await;
        }
        peer.answer(&other, json!("fine")).await;
        // The stream has failed, so the client cancels it.
        assert_eq!(peer.json().await, json!({ "type": "rpc_cancel", "id": many }));
    };
    let user = async {
        assert_eq!(client.call::<String>("other", ()).await.unwrap(), "fine");
        assert_eq!(stream.next().await.unwrap().unwrap(), 0);
        assert_eq!(stream.next().await.unwrap().unwrap(), 1);
        assert_eq!(stream.next().await.unwrap().unwrap_err().code(), "lagged");
        assert!(stream.next().await.is_none());
    };
    soon(async { tokio::join!(peer, user) }).await;
}

#[tokio::test]
async fn a_stream_ends_with_the_connection_that_it_came_over() {
    let server = Server::start().await;
    let (client, mut peer) = server.pair().await;
    let mut stream = client.call_streaming::<u32>("ask", ()).await.unwrap();
    let (id, _) = soon(peer.call()).await;
    peer.chunk(&id, json!(1)).await;
    assert_eq!(soon(stream.next()).await.unwrap().unwrap(), 1);
    peer.close(1012, "back soon").await;
    let error = soon(stream.next()).await.unwrap().unwrap_err();
    assert!(matches!(error, ClientError::Disconnected(Lost::Closed { code: 1012, .. })), "{error:?}");
    assert!(soon(stream.next()).await.is_none());
    assert_eq!(stream.result::<u32>().unwrap_err().code(), "disconnected");
}

#[tokio::test]
async fn a_stream_that_is_dropped_is_cancelled_once_and_only_on_the_wire() {
    let server = Server::start().await;
    let (client, mut peer) = server.pair().await;
    let stream = client.call_streaming::<u32>("ask", ()).await.unwrap();
    let (id, _) = soon(peer.call()).await;
    peer.chunk(&id, json!(1)).await;
    drop(stream);
    assert_eq!(soon(peer.json()).await, json!({ "type": "rpc_cancel", "id": id }));

    // A stream that has ended, a stream that was never sent and a plain call are not cancelled.
    let stream = client.call_streaming::<u32>("ask", ()).await.unwrap();
    let (id, _) = soon(peer.call()).await;
    peer.answer(&id, json!(null)).await;
    drop(soon(stream.finish::<()>()).await);
    let error = client.with_timeout(Duration::from_millis(20)).call::<u32>("never", ()).await.unwrap_err();
    assert_eq!(error.code(), "timeout");
    assert_eq!(soon(peer.call()).await.1, "never");
    drop(client.call_streaming::<u32>("unsent", ()).await.unwrap());
    client.send("last").await.unwrap();
    assert_eq!(soon(peer.text()).await, "last");
}

#[tokio::test]
async fn the_last_handle_may_be_a_stream() {
    let server = Server::start().await;
    let (client, mut peer) = server.pair().await;
    let stream = client.call_streaming::<u32>("ask", ()).await.unwrap();
    drop(client);
    let (id, _) = soon(peer.call()).await;
    drop(stream);
    assert_eq!(soon(peer.json()).await, json!({ "type": "rpc_cancel", "id": id }));
    assert_eq!(soon(peer.closed()).await, Some((1000, String::new())));
}

#[tokio::test]
async fn a_full_buffer_makes_callers_wait_and_frames_over_the_limit_are_refused() {
    let server = Server::start().await;
    // The server has not accepted this client yet, so every frame stays in the buffer.
    let client = server.client().send_buffer(1024).max_message_size(2048).connect_lazily().await.unwrap();
    client.send("x".repeat(1000)).await.unwrap();
    let second = client.send("y".repeat(1000));
    let mut second = Box::pin(second);
    let waited = tokio::time::timeout(Duration::from_millis(50), &mut second).await;
    assert!(waited.is_err(), "the buffer is full, so the second send waits");
    let error = client.send("z".repeat(2049)).await.unwrap_err();
    assert!(matches!(error, ClientError::TooLarge { size: 2049, limit: 2048 }));
    let mut peer = soon(server.accept()).await;
    assert!(soon(peer.text()).await.starts_with('x'));
    soon(second).await.unwrap();
    assert!(soon(peer.text()).await.starts_with('y'));
    // A frame that is larger than the buffer but within the limit is sent alone.
    soon(client.send("w".repeat(2048))).await.unwrap();
    assert_eq!(soon(peer.text()).await.len(), 2048);
}

#[tokio::test]
async fn futures_can_be_spawned_whatever_their_arguments_are() {
    fn spawnable(_: &impl Send) {}
    let server = Server::start().await;
    let (client, _peer) = server.pair().await;
    // A reference to a cell cannot be sent to another thread.
    let local = std::cell::Cell::new(1);
    spawnable(&client.call::<u32>("x", [&local]));
    spawnable(&client.call_streaming::<u32>("x", [&local]));
    spawnable(&client.set_state(&local));
}
