//! Tests of a hub with sockets, an object that records its messages, and clients in memory.

use std::time::Duration;

use tokio::time::sleep;

use super::*;
use crate::gateway::test_support::{BINARY, CLOSE, Client, GatewayHarness, TEXT, let_tasks_run};
use crate::gateway::{Flags, Selection};
use crate::limits::Limit;

fn pair(harness: &GatewayHarness, pair: Option<(&str, &str)>) {
    let pair = pair.map(|(request, response)| AutoResponse {
        request: request.to_owned(),
        response: response.to_owned(),
    });
    harness.hub.apply(&mut [ToGateway::AutoResponse { pair }]);
}

/// Looks at the lock of a hub when it is dropped.
struct Looking {
    hub: Arc<Hub>,
    free: Arc<Mutex<Vec<bool>>>,
}

impl AsRef<[u8]> for Looking {
    fn as_ref(&self) -> &[u8] {
        b"owned"
    }
}

impl Drop for Looking {
    fn drop(&mut self) {
        let free = self.hub.inner.try_lock().is_some();
        self.free.lock().push(free);
    }
}

#[tokio::test(start_paused = true)]
async fn bytes_of_the_user_are_dropped_without_the_lock() {
    let harness = GatewayHarness::new(None);
    let (key, mut client) = harness.accepted().await;
    let free = Arc::new(Mutex::new(Vec::new()));
    let owned = || Bytes::from_owner(Looking { hub: harness.hub.clone(), free: free.clone() });
    let (gone, unknown) = (RequestKey::next(), RequestKey::next());
    drop(harness.hub.open_request(gone, None).unwrap());
    harness.hub.apply(&mut [
        ToGateway::Send { targets: Targets::One(key), message: Message::Binary(owned()), latest: false },
        ToGateway::Send {
            targets: Targets::One(ConnectionKey(0)),
            message: Message::Binary(owned()),
            latest: true,
        },
        ToGateway::RespondChunk { request: gone, chunk: owned() },
        ToGateway::RespondChunk { request: unknown, chunk: owned() },
        ToGateway::RespondEnd { request: gone, complete: true },
    ]);
    assert_eq!(*free.lock(), [true; 4]);
    assert_eq!(client.frames().await.len(), 1);
}

fn messages(harness: &GatewayHarness) -> Vec<Message> {
    let messages = harness.object.take().into_iter().filter_map(|message| match message {
        ToObject::Message { message, .. } => Some(message),
        _ => None,
    });
    messages.collect()
}

#[tokio::test(start_paused = true)]
async fn an_auto_response_does_not_reach_the_object() {
    let harness = GatewayHarness::new(None);
    let (key, mut client) = harness.accepted().await;
    pair(&harness, Some(("ping", "pong")));
    client.send(TEXT, b"ping").await;
    assert_eq!(client.texts().await, ["pong"]);
    assert!(harness.object.take().is_empty());
    for (opcode, other) in [(TEXT, "pins"), (TEXT, "pin"), (TEXT, "ping "), (BINARY, "ping")] {
        client.send(opcode, other.as_bytes()).await;
        assert!(client.frames().await.is_empty());
        assert_eq!(messages(&harness).len(), 1, "{other}");
        harness.hub.apply(&mut [ToGateway::Credit { connection: key, messages: 1, bytes: 0 }]);
    }
    let metrics = harness.gateway.metrics();
    assert_eq!((metrics.auto_responses, metrics.all.frames_in, metrics.all.frames_out), (1, 5, 1));
}

#[tokio::test(start_paused = true)]
async fn an_auto_response_needs_no_credit_and_keeps_its_place() {
    let harness = GatewayHarness::new(None);
    let (key, mut client) = harness.accepted().await;
    pair(&harness, Some(("ping", "pong")));
    // The object accepts two messages at a time; these two stay unhandled.
    client.send(TEXT, b"1").await;
    client.send(TEXT, b"2").await;
    harness.send(key, "before", false);
    client.send(TEXT, b"ping").await;
    harness.send(key, "after", false);
    assert_eq!(client.texts().await, ["before", "pong", "after"]);
    client.send(TEXT, b"3").await;
    assert_eq!(messages(&harness), ["1".into(), "2".into()]);
}

#[tokio::test(start_paused = true)]
async fn an_auto_response_needs_an_accepted_connection() {
    let harness = GatewayHarness::new(None);
    let (key, mut client) = harness.connect().await;
    pair(&harness, Some(("ping", "pong")));
    client.send(TEXT, b"ping").await;
    assert!(client.frames().await.is_empty());
    assert_eq!(messages(&harness), ["ping".into()]);
    harness.accept(key, &[], Flags::NONE);
    client.send(TEXT, b"ping").await;
    assert_eq!(client.texts().await, ["pong"]);
    assert!(messages(&harness).is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_time_of_an_auto_response_outlives_the_pair() {
    let harness = GatewayHarness::new(None);
    let (key, mut client) = harness.accepted().await;
    let answered = || harness.hub.connection(key).unwrap().answered_at;
    pair(&harness, Some(("ping", "pong")));
    assert_eq!(answered(), None);
    let before = harness.gateway.clock.now_ms();
    sleep(Duration::from_secs(3600)).await;
    client.send(TEXT, b"ping").await;
    let at = answered().unwrap();
    assert!((3_600_000..3_601_000).contains(&(at - before)));
    pair(&harness, None);
    client.send(TEXT, b"ping").await;
    assert_eq!(client.texts().await, ["pong"], "only the first message");
    assert_eq!(messages(&harness), ["ping".into()]);
    assert_eq!(harness.hub.connections()[0].answered_at, Some(at));
    drop(client);
    let_tasks_run().await;
    let close = harness.object.take();
    assert!(matches!(&close[..], [ToObject::Close { info: Some(info), .. }] if info.answered_at == Some(at)));
}

#[tokio::test(start_paused = true)]
async fn what_came_before_a_violation_is_answered() {
    let harness = GatewayHarness::new(None);
    let (_, mut client) = harness.accepted().await;
    pair(&harness, Some(("a", "b")));
    client.bytes(&[0x81, 0x81, 0, 0, 0, 0, b'a', 0x81, 0x81, 0, 0, 0, 0, b'x', 0xff, 0x80, 0, 0, 0, 0]).await;
    let opcodes: Vec<_> = client.frames().await.into_iter().map(|(opcode, _)| opcode).collect();
    assert_eq!(opcodes, [TEXT, CLOSE]);
    assert_eq!(messages(&harness), ["x".into()]);
}

#[tokio::test(start_paused = true)]
async fn only_the_latest_state_goes_to_a_reader_that_is_behind() {
    let harness = GatewayHarness::new(None);
    let (key, mut client) = harness.connect_with(None, 64).await;
    harness.accept(key, &[], Flags::NONE);
    harness.send(key, vec![0; 200_000], false);
    let_tasks_run().await;
    for n in 0..1000 {
        harness.send(key, format!("state {n}"), true);
        harness.send(key, format!("answer {n}"), false);
    }
    let texts = client.texts().await;
    assert_eq!(texts.len(), 1001);
    assert_eq!(texts[..2], ["state 999", "answer 0"]);
    harness.send(key, "a", true);
    harness.send(key, "b", true);
    assert_eq!(client.texts().await, ["a", "b"], "a reader that keeps up gets every message");
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_stays_behind_is_closed() {
    let harness = GatewayHarness::new(None);
    let (key, mut client) = harness.connect_with(None, 64).await;
    harness.accept(key, &[], Flags::NONE);
    for _ in 0..3 {
        harness.send(key, vec![0; 600_000], false);
    }
    let frames = client.frames().await;
    assert_eq!(frames.last(), Some(&(CLOSE, Bytes::from_static(b"\x03\xf5too slow"))));
    let metrics = harness.gateway.metrics();
    assert_eq!((metrics.limits[Limit::OutboxBytes], metrics.all.frames_out), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn connections_are_found_by_selection() {
    let harness = GatewayHarness::new(None);
    let (a, mut first) = harness.connect_with(Some("first"), 1000).await;
    let (b, mut second) = harness.connect_with(Some("second"), 1000).await;
    let (c, mut waiting) = harness.connect().await;
    harness.accept(a, &["first", "red"], Flags::NONE);
    harness.accept(b, &["second", "blue"], Flags::bit(0));
    let all = Selection::default();
    let red = Selection { all_tags: vec!["red".to_owned()], ..all.clone() };
    let writable = Selection { without: Flags::bit(0), ..all.clone() };
    let others = Selection { except: vec![a], ..all.clone() };
    let found: Vec<_> = harness.hub.connections().iter().map(|info| info.connection).collect();
    assert_eq!(found, [a, b]);
    for (selection, expected) in [(all, [1, 1]), (red, [1, 0]), (writable, [1, 0]), (others.clone(), [0, 1])]
    {
        harness.broadcast(selection.clone(), "hello");
        let received = [first.texts().await.len(), second.texts().await.len()];
        assert_eq!(received, expected, "{selection:?}");
    }
    let info = harness.hub.connection(b).unwrap();
    assert_eq!((&*info.meta.id, info.meta.uri.as_deref()), ("second", Some("/agents/a/b")));
    assert_eq!(info.meta.tags, ["second", "blue"]);
    assert_eq!(harness.hub.connection(c), None, "not accepted");
    harness.broadcast(others, "hi");
    assert_eq!(second.texts().await, ["hi"]);
    assert!(first.frames().await.is_empty() && waiting.frames().await.is_empty());
    harness.hub.apply(&mut [ToGateway::Close { connection: b, code: Some(4001), reason: String::new() }]);
    assert_eq!(harness.hub.connections().len(), 1, "a closing connection is not listed");
    assert_eq!(harness.hub.connection(b), None, "a closing connection is not found");
}

#[tokio::test(start_paused = true)]
async fn an_id_is_free_again_when_its_socket_is_gone() {
    let harness = GatewayHarness::new(None);
    for _ in 0..3 {
        let (key, client) = harness.connect_with(Some("mine"), 1000).await;
        harness.accept(key, &["mine"], Flags::NONE);
        assert_eq!(harness.hub.connection(key).unwrap().meta.id, "mine");
        drop(client);
        let_tasks_run().await;
        assert!(harness.hub.inner.lock().ids.is_empty());
    }
    assert!(harness.hub.try_retire());
}

#[tokio::test(start_paused = true)]
async fn what_passes_is_counted() {
    let harness = GatewayHarness::new(None);
    let (_, mut first) = harness.accepted().await;
    let (second, mut other) = harness.accepted().await;
    async fn say(client: &mut Client, harness: &GatewayHarness, connection: ConnectionKey) {
        client.send(TEXT, b"hi").await;
        harness.hub.apply(&mut [ToGateway::Credit { connection, messages: 1, bytes: 0 }]);
    }
    say(&mut other, &harness, second).await;
    say(&mut other, &harness, second).await;
    harness.broadcast(Selection::default(), "to both");
    harness.send(second, "to one", false);
    sleep(Duration::from_secs(100)).await;
    drop(other);
    let_tasks_run().await;
    harness.send(second, "without a receiver", false);
    sleep(Duration::from_secs(50)).await;
    let metrics = harness.hub.metrics();
    assert_eq!((metrics.frames_in, metrics.frames_out, metrics.sockets), (2, 3, 1));
    assert_eq!(metrics.connected.as_secs(), 250);
    let totals = harness.gateway.metrics();
    assert_eq!(totals.all, metrics, "the host has only one hub");
    assert_eq!((totals.opened, totals.closed, totals.refused), (2, 1, 0));
    drop(first.frames().await);
}

#[tokio::test(start_paused = true)]
async fn too_many_connections_are_refused() {
    let harness = GatewayHarness::new(None);
    let _clients = (harness.connect().await, harness.connect().await, harness.connect().await);
    let mut fourth = harness.refused().await;
    assert_eq!(fourth.frames().await, [(CLOSE, Bytes::from_static(b"\x11\x4dtoo many connections"))]);
    let metrics = harness.gateway.metrics();
    assert_eq!((metrics.refused, metrics.opened, metrics.all.sockets), (1, 3, 3));
}

#[tokio::test(start_paused = true)]
async fn an_object_that_failed_closes_for_good_what_it_never_accepted() {
    let harness = GatewayHarness::new(None);
    let (_, mut accepted) = harness.accepted().await;
    let (failed, mut asking) = harness.connect().await;
    let (_, mut waits) = harness.connect().await;
    let unaccepted = Unaccepted::These(HashSet::from([failed]));
    harness.hub.apply(&mut [ToGateway::Fail { reason: "the agent was restarted".to_owned(), unaccepted }]);
    let closed = |code: u16| [(CLOSE, [&code.to_be_bytes()[..], b"the agent was restarted"].concat().into())];
    assert_eq!(accepted.frames().await, closed(1011), "the client has its identity and may reconnect");
    assert_eq!(asking.frames().await, closed(4500), "the client would wait for an identity forever");
    assert_eq!(waits.frames().await, [], "the next activation may accept it");
}
