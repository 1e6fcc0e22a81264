//! Connecting, losing the connection, and closing.

use std::time::Duration;

use crate::support::{Server, soon};
use agents_client::{AgentClient, ClientError, Lost, Message, Reconnect, Status, StreamExt};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

#[tokio::test]
async fn the_address_carries_class_name_query_headers_and_a_stable_id() {
    let server = Server::start().await;
    let connect = server
        .client()
        .query("user name", "a&b")
        .query_with(|| async { Ok(vec![("token".to_owned(), "t".to_owned())]) })
        .header("x-test", "yes")
        .connect();
    let (client, peer) = tokio::join!(connect, server.accept());
    let client = client.unwrap();
    let id = client.connection_id().to_owned();
    assert_eq!(id.len(), 21);
    let target = format!("/agents/chat-room/lobby?_pk={id}&user%20name=a%26b&token=t");
    assert_eq!(peer.target, target);
    assert!(peer.headers.contains(&("x-test".to_owned(), "yes".to_owned())));
    peer.close(1012, "restart").await;
    let again = soon(server.accept()).await;
    assert_eq!(again.target, target);
}

#[tokio::test]
async fn calls_on_the_wire_fail_and_buffered_ones_are_sent_after_the_reconnect() {
    let server = Server::start().await;
    let (client, mut peer) = server.pair().await;
    let mut status = client.status();
    let on_the_wire = tokio::spawn({
        let client = client.clone();
        async move { client.call::<u32>("first", ()).await }
    });
    assert_eq!(soon(peer.call()).await.1, "first");
    peer.close(1012, "restart").await;
    let error = soon(on_the_wire).await.unwrap().unwrap_err();
    let ClientError::Disconnected(why) = error else { panic!("{error:?}") };
    let reason = "restart".to_owned();
    assert_eq!(why, Lost::Closed { code: 1012, reason });
    soon(status.wait_for(|status| !status.is_open())).await.unwrap();
    // The client is offline, so these frames wait.
    client.send("text").await.unwrap();
    let buffered = tokio::spawn({
        let client = client.clone();
        async move { client.call::<u32>("second", ()).await }
    });
    tokio::task::yield_now().await;
    let mut peer = soon(server.accept()).await;
    assert_eq!(soon(peer.text()).await, "text");
    let (id, method) = soon(peer.call()).await;
    assert_eq!(method, "second");
    peer.answer(&id, json!(2)).await;
    assert_eq!(soon(buffered).await.unwrap().unwrap(), 2);
}

#[tokio::test]
async fn a_connection_that_breaks_without_a_close_is_lost_too() {
    let server = Server::start().await;
    let (client, mut peer) = server.pair().await;
    let call = client.call::<u32>("first", ());
    let peer = async move {
        peer.call().await;
        drop(peer);
    };
    let (answer, ()) = soon(async { tokio::join!(call, peer) }).await;
    assert_eq!(answer.unwrap_err().code(), "disconnected");
    soon(server.accept()).await;
}

#[tokio::test]
async fn final_closes_end_the_client_and_everything_that_waits() {
    for code in [1008, 4000, 4401, 4999] {
        let server = Server::start().await;
        let (client, mut peer) = server.pair().await;
        let mut messages = client.messages();
        let mut stream = client.call_streaming::<u32>("stream", ()).await.unwrap();
        let call = client.call::<u32>("call", ());
        let peer = async move {
            peer.call().await;
            peer.call().await;
            peer.close(code, "no").await;
        };
        let (answer, ()) = soon(async { tokio::join!(call, peer) }).await;
        let refused = |error: &ClientError| matches!(error, ClientError::Refused { code: found, reason } if *found == code && reason == "no");
        assert!(refused(&answer.unwrap_err()), "{code}");
        assert!(refused(&soon(stream.next()).await.unwrap().unwrap_err()));
        assert!(refused(&soon(client.closed()).await));
        assert!(refused(&soon(client.identity()).await.unwrap_err()));
        assert!(refused(&soon(client.send("late")).await.unwrap_err()));
        assert!(refused(&soon(client.call::<u32>("late", ())).await.unwrap_err()));
        assert!(refused(&soon(client.close(1000, "")).await.unwrap_err()));
        assert!(soon(messages.next()).await.is_none());
        assert!(soon(client.messages().next()).await.is_none());
        assert!(matches!(&*client.status().borrow(), Status::Closed(error) if refused(error)));
        // The client does not connect again.
        let knock = tokio::time::timeout(Duration::from_millis(100), server.accept_tcp()).await;
        assert!(knock.is_err(), "{code}");
    }
}

#[tokio::test]
async fn other_closes_are_tried_again() {
    let server = Server::start().await;
    let (client, mut peer) = server.pair().await;
    for code in [1000, 1001, 1011, 1013, 3000, 3999] {
        peer.close(code, "").await;
        peer = soon(server.accept()).await;
    }
    assert!(!matches!(&*client.status().borrow(), Status::Closed(_)));
}

#[tokio::test]
async fn closing_carries_code_and_reason_after_what_was_sent() {
    let server = Server::start().await;
    let (client, mut peer) = server.pair().await;
    assert!(matches!(client.close(1001, "").await, Err(ClientError::CloseCode)));
    let call = client.call::<u32>("never", ());
    client.send("last").await.unwrap();
    let user = async {
        let close = client.close(3001, "bye");
        let (answer, closed) = tokio::join!(call, close);
        assert!(matches!(answer, Err(ClientError::Closed)));
        closed.unwrap();
    };
    let peer = async {
        assert_eq!(peer.text().await, "last");
        // The call may have been sent before the close.
        assert_eq!(peer.closed().await, Some((3001, "bye".to_owned())));
    };
    soon(async { tokio::join!(user, peer) }).await;
    assert!(matches!(client.send("late").await, Err(ClientError::Closed)));
    // A second close succeeds.
    client.close(1000, "").await.unwrap();
}

#[tokio::test]
async fn the_last_handle_closes_and_a_stream_is_a_handle() {
    let server = Server::start().await;
    let (client, mut peer) = server.pair().await;
    client.send("last").await.unwrap();
    let mut stream = client.call_streaming::<u32>("stream", ()).await.unwrap();
    let mut status = client.status();
    drop(client);
    assert_eq!(soon(peer.text()).await, "last");
    let (id, _) = soon(peer.call()).await;
    peer.chunk(&id, json!(1)).await;
    assert_eq!(soon(stream.next()).await.unwrap().unwrap(), 1);
    drop(stream);
    assert_eq!(soon(peer.closed()).await, Some((1000, String::new())));
    soon(status.wait_for(|status| matches!(status, Status::Closed(_)))).await.unwrap();
}

#[tokio::test]
async fn closing_works_while_there_is_no_connection() {
    let server = Server::start().await;
    let (client, peer) = server.pair().await;
    let slow = Reconnect::new().min_delay(Duration::from_secs(60));
    let waiting = server.client().reconnect(slow).connect();
    let (waiting, waiting_peer) = tokio::join!(waiting, server.accept());
    let waiting = waiting.unwrap();
    waiting_peer.close(1012, "").await;
    let mut status = waiting.status();
    soon(status.wait_for(|status| matches!(status, Status::Waiting { .. }))).await.unwrap();
    let call = waiting.call::<u32>("buffered", ());
    let (answer, closed) = soon(async { tokio::join!(call, waiting.close(1000, "")) }).await;
    assert!(matches!(answer, Err(ClientError::Closed)));
    closed.unwrap();
    drop((client, peer));
}

#[tokio::test]
async fn the_first_connect_reports_why_it_failed() {
    let server = Server::start().await;
    let refuse = async {
        let mut stream = server.accept_tcp().await;
        let mut request = [0; 1024];
        assert!(stream.read(&mut request).await.unwrap() > 0);
        let answer = b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n";
        stream.write_all(answer).await.unwrap();
    };
    let (client, ()) = soon(async { tokio::join!(server.client().connect(), refuse) }).await;
    let error = client.unwrap_err();
    assert!(matches!(&error, ClientError::Connect(Lost::Handshake(status)) if *status == 404), "{error:?}");

    let url = server.url.clone();
    drop(server);
    let error = soon(AgentClient::dynamic_builder(&url, "C", "n").connect()).await.unwrap_err();
    assert!(matches!(error, ClientError::Connect(Lost::Transport(_))));
}

#[tokio::test]
async fn attempts_can_be_limited() {
    let server = Server::start().await;
    let once = server.client().reconnect(Reconnect::never()).connect();
    let (client, peer) = tokio::join!(once, server.accept());
    let client = client.unwrap();
    peer.close(1011, "oops").await;
    let end = soon(client.closed()).await;
    assert!(matches!(end, ClientError::Connect(Lost::Closed { code: 1011, .. })), "{end:?}");
    assert!(end.is_final());
}

#[tokio::test]
async fn a_server_that_goes_silent_is_given_up() {
    let server = Server::start().await;
    let quick = server.client().heartbeat(Duration::from_millis(30)).connect();
    let (client, mut peer) = tokio::join!(quick, server.accept());
    let client = client.unwrap();
    // The peer answers pings while it reads, so the connection stays open.
    tokio::time::timeout(Duration::from_millis(300), peer.text()).await.unwrap_err();
    assert!(client.status().borrow().is_open());
    let call = tokio::spawn({
        let client = client.clone();
        async move { client.call::<u32>("x", ()).await }
    });
    // From here on the peer does not read.
    let error = soon(call).await.unwrap().unwrap_err();
    assert!(matches!(error, ClientError::Disconnected(Lost::Silent)), "{error:?}");
    soon(server.accept()).await;
}

#[tokio::test]
async fn a_runtime_that_goes_away_settles_every_call() {
    let other = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let server = Server::start().await;
    let connect = other.spawn(server.client().connect());
    let (client, mut peer) = tokio::join!(connect, server.accept());
    let client = client.unwrap().unwrap();
    let call = client.call::<u32>("never", ());
    let stop = async {
        peer.call().await;
        other.shutdown_background();
    };
    let (answer, ()) = soon(async { tokio::join!(call, stop) }).await;
    assert!(matches!(answer, Err(ClientError::Closed)));
}

#[tokio::test]
async fn messages_are_kept_for_the_first_reader() {
    let server = Server::start().await;
    let (client, mut peer) = server.pair().await;
    peer.greet(json!(1)).await;
    peer.send("welcome").await;
    peer.send(vec![1, 2, 3]).await;
    peer.send(r#"{"type":"post","id":1}"#).await;
    peer.send_json(json!({ "type": "rpc", "id": "999", "success": true, "done": true })).await;
    peer.send("last").await;
    soon(client.identity()).await.unwrap();
    let mut messages = client.messages();
    let expected = [
        Message::from("welcome"),
        Message::from(vec![1, 2, 3]),
        Message::from(r#"{"type":"post","id":1}"#),
        Message::from("last"),
    ];
    for message in expected {
        assert_eq!(soon(messages.next()).await.unwrap().unwrap(), message);
    }
    client.send(vec![4, 5]).await.unwrap();
    let sent = soon(peer.next()).await.unwrap();
    assert_eq!(sent.into_data().as_ref(), [4, 5]);
}

#[tokio::test]
async fn a_slow_reader_of_messages_is_told_what_it_missed() {
    let server = Server::start().await;
    let (client, mut peer) = tokio::join!(server.client().message_buffer(4).connect(), server.accept());
    let client = client.unwrap();
    let mut messages = client.messages();
    for n in 0..10 {
        peer.send(n.to_string()).await;
    }
    peer.greet(json!(null)).await;
    soon(client.identity()).await.unwrap();
    let missed = soon(messages.next()).await.unwrap().unwrap_err();
    assert!(matches!(missed, ClientError::Lagged(6)), "{missed:?}");
    assert_eq!(soon(messages.next()).await.unwrap().unwrap(), Message::from("6"));
}

#[cfg(feature = "tls")]
#[tokio::test]
async fn tls_greets_the_server_first_and_fails_without_an_answer_in_tls() {
    let server = Server::start().await;
    let url = server.url.replace("http://", "https://");
    let answer = async {
        let mut stream = server.accept_tcp().await;
        let mut hello = [0; 3];
        stream.read_exact(&mut hello).await.unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        hello
    };
    let connect = AgentClient::dynamic_builder(&url, "C", "n").connect();
    let (client, hello) = soon(async { tokio::join!(connect, answer) }).await;
    // These bytes begin a TLS handshake record.
    assert_eq!(hello, [0x16, 3, 1]);
    let error = client.unwrap_err();
    assert!(matches!(error, ClientError::Connect(Lost::Transport(_))), "{error:?}");
}
