//! A hub with sockets, an object that takes notes, and clients in memory.

use std::time::Duration;

use tokio::time::sleep;

use super::*;
use crate::gateway::test_support::{BINARY, CLOSE, Client, Rig, TEXT, settle};
use crate::gateway::{Flags, ToObject};
use crate::limits::Limit;

fn pair(rig: &Rig, pair: Option<(&str, &str)>) {
    let pair = pair.map(|(request, response)| AutoResponse {
        request: request.to_owned(),
        response: response.to_owned(),
    });
    rig.hub.apply([ToGateway::AutoResponse { pair }]);
}

fn messages(rig: &Rig) -> Vec<Message> {
    let messages = rig.object.take().into_iter().filter_map(|message| match message {
        ToObject::Message { message, .. } => Some(message),
        _ => None,
    });
    messages.collect()
}

#[tokio::test(start_paused = true)]
async fn an_auto_response_does_not_reach_the_object() {
    let rig = Rig::new(None);
    let (key, mut client) = rig.accepted().await;
    pair(&rig, Some(("ping", "pong")));
    client.send(TEXT, b"ping").await;
    assert_eq!(client.texts().await, ["pong"]);
    assert!(rig.object.take().is_empty());
    for (opcode, other) in [(TEXT, "pins"), (TEXT, "pin"), (TEXT, "ping "), (BINARY, "ping")] {
        client.send(opcode, other.as_bytes()).await;
        assert!(client.frames().await.is_empty());
        assert_eq!(messages(&rig).len(), 1, "{other}");
        rig.hub.apply([ToGateway::Credit { connection: key, messages: 1, bytes: 0 }]);
    }
    let meter = rig.gateway.meter();
    assert_eq!((meter.auto_responses, meter.all.frames_in, meter.all.frames_out), (1, 5, 1));
}

#[tokio::test(start_paused = true)]
async fn an_auto_response_needs_no_credit_and_keeps_its_place() {
    let rig = Rig::new(None);
    let (key, mut client) = rig.accepted().await;
    pair(&rig, Some(("ping", "pong")));
    // As many as the object takes at a time; they stay there.
    client.send(TEXT, b"1").await;
    client.send(TEXT, b"2").await;
    rig.send(key, "before", false);
    client.send(TEXT, b"ping").await;
    rig.send(key, "after", false);
    assert_eq!(client.texts().await, ["before", "pong", "after"]);
    client.send(TEXT, b"3").await;
    assert_eq!(messages(&rig), ["1".into(), "2".into()]);
}

#[tokio::test(start_paused = true)]
async fn an_auto_response_needs_an_accepted_connection() {
    let rig = Rig::new(None);
    let (key, mut client) = rig.connect().await;
    pair(&rig, Some(("ping", "pong")));
    client.send(TEXT, b"ping").await;
    assert!(client.frames().await.is_empty());
    assert_eq!(messages(&rig), ["ping".into()]);
    rig.accept(key, &[], Flags::NONE);
    client.send(TEXT, b"ping").await;
    assert_eq!(client.texts().await, ["pong"]);
    assert!(messages(&rig).is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_time_of_an_auto_response_outlives_the_pair() {
    let rig = Rig::new(None);
    let (key, mut client) = rig.accepted().await;
    let answered = || rig.hub.connection(key).unwrap().answered_at;
    pair(&rig, Some(("ping", "pong")));
    assert_eq!(answered(), None);
    let before = rig.gateway.clock.now_ms();
    sleep(Duration::from_secs(3600)).await;
    client.send(TEXT, b"ping").await;
    let at = answered().unwrap();
    assert!((3_600_000..3_601_000).contains(&(at - before)));
    pair(&rig, None);
    client.send(TEXT, b"ping").await;
    assert_eq!(client.texts().await, ["pong"], "only the first one");
    assert_eq!(messages(&rig), ["ping".into()]);
    assert_eq!(rig.hub.connections(&Selection::default())[0].answered_at, Some(at));
    drop(client);
    settle().await;
    let close = rig.object.take();
    assert!(matches!(&close[..], [ToObject::Close { info: Some(info), .. }] if info.answered_at == Some(at)));
}

#[tokio::test(start_paused = true)]
async fn what_came_before_a_violation_is_answered() {
    let rig = Rig::new(None);
    let (_, mut client) = rig.accepted().await;
    pair(&rig, Some(("a", "b")));
    client.bytes(&[0x81, 0x81, 0, 0, 0, 0, b'a', 0x81, 0x81, 0, 0, 0, 0, b'x', 0xff, 0x80, 0, 0, 0, 0]).await;
    let opcodes: Vec<_> = client.frames().await.into_iter().map(|(opcode, _)| opcode).collect();
    assert_eq!(opcodes, [TEXT, CLOSE]);
    assert_eq!(messages(&rig), ["x".into()]);
}

#[tokio::test(start_paused = true)]
async fn only_the_latest_state_goes_to_a_reader_that_is_behind() {
    let rig = Rig::new(None);
    let (key, mut client) = rig.connect_with(None, 64).await;
    rig.accept(key, &[], Flags::NONE);
    rig.send(key, vec![0; 200_000], false);
    settle().await;
    for n in 0..1000 {
        rig.send(key, format!("state {n}"), true);
        rig.send(key, format!("answer {n}"), false);
    }
    let texts = client.texts().await;
    assert_eq!(texts.len(), 1001);
    assert_eq!(texts[..2], ["state 999", "answer 0"]);
    rig.send(key, "a", true);
    rig.send(key, "b", true);
    assert_eq!(client.texts().await, ["a", "b"], "a reader that keeps up gets every one");
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_stays_behind_is_closed() {
    let rig = Rig::new(None);
    let (key, mut client) = rig.connect_with(None, 64).await;
    rig.accept(key, &[], Flags::NONE);
    for _ in 0..3 {
        rig.send(key, vec![0; 600_000], false);
    }
    let frames = client.frames().await;
    assert_eq!(frames.last(), Some(&(CLOSE, Bytes::from_static(b"\x03\xf5too slow"))));
    let meter = rig.gateway.meter();
    assert_eq!((meter.limits[Limit::OutboxBytes], meter.all.frames_out), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn connections_are_found_by_selection() {
    let rig = Rig::new(None);
    let (a, mut first) = rig.connect_with(Some("first"), 1000).await;
    let (b, mut second) = rig.connect_with(Some("second"), 1000).await;
    let (c, mut waiting) = rig.connect().await;
    rig.accept(a, &["first", "red"], Flags::NONE);
    rig.accept(b, &["second", "blue"], Flags::bit(0));
    let all = Selection::default();
    let red = Selection { all_tags: vec!["red".to_owned()], ..all.clone() };
    let writable = Selection { without: Flags::bit(0), ..all.clone() };
    let others = Selection { except: vec![a], ..all.clone() };
    for (selection, keys) in [(&all, &[a, b][..]), (&red, &[a]), (&writable, &[a]), (&others, &[b])] {
        let found: Vec<_> = rig.hub.connections(selection).iter().map(|info| info.connection).collect();
        assert_eq!(found, keys, "{selection:?}");
    }
    let info = rig.hub.connection(b).unwrap();
    assert_eq!((&*info.card.id, info.card.uri.as_deref()), ("second", Some("/agents/a/b")));
    assert_eq!(info.card.tags, ["second", "blue"]);
    assert_eq!(rig.hub.connection(c), None, "not accepted");
    rig.broadcast(others, "hi");
    assert_eq!(second.texts().await, ["hi"]);
    assert!(first.frames().await.is_empty() && waiting.frames().await.is_empty());
    rig.hub.apply([ToGateway::Close { connection: b, code: Some(4001), reason: String::new() }]);
    assert_eq!(rig.hub.connections(&all).len(), 1, "one that is closing is no longer listed");
    assert_eq!(rig.hub.connection(b), None, "nor found");
}

#[tokio::test(start_paused = true)]
async fn an_id_is_free_again_when_its_socket_is_gone() {
    let rig = Rig::new(None);
    for _ in 0..3 {
        let (key, client) = rig.connect_with(Some("mine"), 1000).await;
        rig.accept(key, &["mine"], Flags::NONE);
        assert_eq!(rig.hub.connection(key).unwrap().card.id, "mine");
        drop(client);
        settle().await;
        assert!(rig.hub.inner.lock().ids.is_empty());
    }
    assert!(rig.hub.try_retire());
}

#[tokio::test(start_paused = true)]
async fn what_passes_is_counted() {
    let rig = Rig::new(None);
    let (_, mut first) = rig.accepted().await;
    let (second, mut other) = rig.accepted().await;
    async fn say(client: &mut Client, rig: &Rig, connection: ConnectionKey) {
        client.send(TEXT, b"hi").await;
        rig.hub.apply([ToGateway::Credit { connection, messages: 1, bytes: 0 }]);
    }
    say(&mut other, &rig, second).await;
    say(&mut other, &rig, second).await;
    rig.broadcast(Selection::default(), "to both");
    rig.send(second, "to one", false);
    sleep(Duration::from_secs(100)).await;
    drop(other);
    settle().await;
    rig.send(second, "to nobody", false);
    sleep(Duration::from_secs(50)).await;
    let meter = rig.hub.meter();
    assert_eq!((meter.frames_in, meter.frames_out, meter.sockets), (2, 3, 1));
    assert_eq!(meter.connected.as_secs(), 250);
    let totals = rig.gateway.meter();
    assert_eq!(totals.all, meter, "the host has one hub only");
    assert_eq!((totals.opened, totals.closed, totals.refused), (2, 1, 0));
    drop(first.frames().await);
}

#[tokio::test(start_paused = true)]
async fn too_many_connections_are_refused() {
    let rig = Rig::new(None);
    let _clients = (rig.connect().await, rig.connect().await, rig.connect().await);
    let mut fourth = rig.refused().await;
    assert_eq!(fourth.frames().await, [(CLOSE, Bytes::from_static(b"\x11\x4dtoo many connections"))]);
    let meter = rig.gateway.meter();
    assert_eq!((meter.refused, meter.opened, meter.all.sockets), (1, 3, 3));
}

#[tokio::test(start_paused = true)]
async fn an_object_that_failed_closes_for_good_what_it_never_accepted() {
    let rig = Rig::new(None);
    let (_, mut accepted) = rig.accepted().await;
    let (_, mut asking) = rig.connect().await;
    let (waiting, mut waits) = rig.connect().await;
    rig.hub.fail("the agent was restarted", |key| key == waiting);
    let closed = |code: u16| [(CLOSE, [&code.to_be_bytes()[..], b"the agent was restarted"].concat().into())];
    assert_eq!(accepted.frames().await, closed(1011), "it has its identity and may come back");
    assert_eq!(asking.frames().await, closed(4500), "it would wait for an identity for ever");
    assert_eq!(waits.frames().await, [], "the next life may accept it");
}
