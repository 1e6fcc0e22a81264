//! Tests of sockets at their limits: the effect on the client, the counters, and the independence of other
//! sockets.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::gateway::test_support::{
    BINARY, CLOSE, Client, GatewayHarness, PING, PONG, TEXT, let_tasks_run, limits,
};
use crate::gateway::{
    Close, ConnectionKey, FRAME_BYTES, Flags, GatewayPort, RequestKey, Selection, ToGateway, ToObject,
};
use crate::limits::{Limit, Limits, Rate};

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn closed_with(code: u16, reason: &str) -> (u8, bytes::Bytes) {
    (CLOSE, [&code.to_be_bytes(), reason.as_bytes()].concat().into())
}

/// Returns the sizes of the messages that the object received, and the closes of its connections.
fn last_byte(harness: &GatewayHarness) -> (Vec<usize>, Vec<Close>) {
    let (mut sizes, mut ends) = (Vec::new(), Vec::new());
    for message in harness.object.take() {
        match message {
            ToObject::Message { message, .. } => sizes.push(message.len()),
            ToObject::Close { close, .. } => ends.push(close),
            other => panic!("{other:?}"),
        }
    }
    (sizes, ends)
}

fn done(harness: &GatewayHarness, connection: ConnectionKey, messages: u32, bytes: u64) {
    harness.hub.apply(&mut [ToGateway::Credit { connection, messages, bytes }]);
}

fn hits(harness: &GatewayHarness, limit: Limit) -> u64 {
    harness.gateway.metrics().limits[limit]
}

/// Connects a client whose stream buffers so little that all data waits in the outbox.
async fn slow(harness: &GatewayHarness) -> (ConnectionKey, Client) {
    let (key, client) = harness.connect_with(None, 64).await;
    harness.accept(key, &[], Flags::NONE);
    (key, client)
}

/// Asks for space as an object does.
fn await_room(harness: &GatewayHarness, connection: ConnectionKey) -> RequestKey {
    let request = RequestKey::next();
    harness.object.take();
    harness.hub.apply(&mut [ToGateway::AwaitRoom { connection, request }]);
    request
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_room_is_told_when_the_client_has_read_or_reads_no_more() {
    let harness = GatewayHarness::new(None);
    let has_room = |request| harness.object.take().contains(&ToObject::Room { request });
    let (key, mut client) = slow(&harness).await;
    assert!(has_room(await_room(&harness, key)), "no byte is waiting");
    harness.send(key, vec![0; 100_000], false);
    harness.send(key, vec![0; 60_000], false);
    let request = await_room(&harness, key);
    client.swallow(90_000).await;
    assert!(!has_room(request));
    client.swallow(10_010).await;
    // The bytes of the writer count until all of them are written.
    client.swallow(60_004).await;
    assert!(has_room(request));

    harness.send(key, vec![0; 100_000], false);
    let replaced = await_room(&harness, key);
    let_tasks_run().await;
    assert!(!has_room(replaced));
    let request = RequestKey::next();
    harness.hub.apply(&mut [ToGateway::AwaitRoom { connection: key, request }]);
    assert!(has_room(replaced), "the handler that asked is answered, and not kept for ever");
    harness.hub.apply(&mut [ToGateway::Close { connection: key, code: None, reason: String::new() }]);
    assert!(has_room(request), "later frames are dropped");

    let (key, client) = slow(&harness).await;
    harness.send(key, vec![0; 100_000], false);
    let request = await_room(&harness, key);
    drop(client);
    let_tasks_run().await;
    assert!(has_room(request), "gone");
    assert!(has_room(await_room(&harness, key)), "unknown");
}

#[tokio::test(start_paused = true)]
async fn the_queues_of_those_who_are_behind_count_for_each() {
    let harness = GatewayHarness::new(None);
    let clients = [slow(&harness).await, slow(&harness).await];
    let text = "x".repeat(100);
    for _ in 0..4000 {
        harness.broadcast(Selection::default(), &text);
    }
    let used = harness.gateway.outgoing.used();
    let frames = 4000 * (102 + FRAME_BYTES);
    assert!((frames + 2 * 4000 * 32..frames + 2 * 4000 * 128).contains(&used), "{used}, {frames} for frames");
    drop(clients);
    let_tasks_run().await;
    assert_eq!(harness.gateway.outgoing.used(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_stops_on_its_way_times_out() {
    let harness = GatewayHarness::new(None);
    let (_, mut client) = harness.accepted().await;
    let (_, mut other) = harness.accepted().await;
    client.begin(1000).await;
    for _ in 0..5 {
        sleep(seconds(29)).await;
        client.bytes(&[0; 10]).await;
    }
    sleep(seconds(29)).await;
    assert_eq!(
        (last_byte(&harness), hits(&harness, Limit::MessageTimeout)),
        ((vec![], vec![]), 0),
        "any progress counts"
    );
    sleep(seconds(2)).await;
    assert_eq!(client.frames().await, [closed_with(1013, "message timed out")]);
    let close = Close { code: 1013, reason: "message timed out".into(), was_clean: false };
    assert_eq!((last_byte(&harness), hits(&harness, Limit::MessageTimeout)), ((vec![], vec![close]), 1));
    other.send(TEXT, b"hello").await;
    assert_eq!(last_byte(&harness).0, [5]);
    sleep(seconds(600)).await;
    assert_eq!(harness.gateway.metrics().all.sockets, 1, "an idle client has no message timeout");
}

#[tokio::test(start_paused = true)]
async fn a_header_that_stops_on_its_way_times_out() {
    let harness = GatewayHarness::new(None);
    let (_, mut client) = harness.accepted().await;
    client.bytes(&[0x80 | BINARY]).await;
    sleep(seconds(31)).await;
    assert_eq!(client.frames().await, [closed_with(1013, "message timed out")]);
}

#[tokio::test(start_paused = true)]
async fn a_message_does_not_time_out_while_we_do_not_read() {
    let harness = GatewayHarness::new(None);
    let (_, mut client) = harness.accepted().await;
    harness.object.set_full(true);
    client.bytes(&[0x81, 0x81, 0, 0, 0, 0, b'a', 0x81, 0x81, 0, 0]).await;
    sleep(seconds(300)).await;
    harness.object.set_full(false);
    let_tasks_run().await;
    assert_eq!((last_byte(&harness), hits(&harness, Limit::MessageTimeout)), ((vec![1], vec![]), 0));
    client.bytes(&[0, 0, b'b']).await;
    assert_eq!(last_byte(&harness).0, [1]);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_takes_nothing_is_dropped_even_if_it_talks() {
    let harness = GatewayHarness::new(Some(seconds(5)));
    let (key, mut deaf) = slow(&harness).await;
    let (other, mut slow) = slow(&harness).await;
    harness.send(key, vec![0; 1000], false);
    harness.send(other, vec![0; 1000], false);
    for second in 0..40 {
        sleep(seconds(1)).await;
        if second < 29 {
            deaf.send(PONG, b"").await;
        }
        slow.send(PONG, b"").await;
        // One byte is enough.
        slow.swallow(1).await;
    }
    assert_eq!(last_byte(&harness).1, [Close::dropped()]);
    assert_eq!((hits(&harness, Limit::WriteTimeout), hits(&harness, Limit::HeartbeatTimeout)), (1, 0));
    assert!(deaf.bytes_left().await < 1000);
}

#[tokio::test(start_paused = true)]
async fn bytes_in_flight_are_bounded_and_one_message_always_passes() {
    let harness = GatewayHarness::new(None);
    let (key, mut client) = harness.accepted().await;
    // The limit is 256 KiB.
    client.send_zeros(300_000).await;
    assert_eq!(last_byte(&harness).0, [300_000]);
    client.send_zeros(10).await;
    client.send(PING, b"").await;
    assert_eq!((last_byte(&harness).0, hits(&harness, Limit::InFlightBytesPerConnection)), (vec![], 1));
    assert!(client.frames().await.is_empty(), "later frames are not read");
    done(&harness, key, 1, 300_000);
    let_tasks_run().await;
    assert_eq!(last_byte(&harness).0, [10]);
    client.send_zeros(200_000).await;
    assert_eq!(
        (last_byte(&harness).0, hits(&harness, Limit::InFlightBytesPerConnection)),
        (vec![200_000], 1)
    );
}

#[tokio::test(start_paused = true)]
async fn large_messages_share_a_budget_and_small_ones_always_pass() {
    let harness = GatewayHarness::with(Limits { incoming_bytes: 1_500_000, ..limits() });
    let (first, mut one) = harness.accepted().await;
    let (_, mut two) = harness.accepted().await;
    let (third, mut three) = harness.accepted().await;
    let busy = closed_with(1013, "server is busy");
    // A buffer grows by doubling, and its capacity is counted.
    one.begin(600_000).await;
    one.bytes(&vec![0; 550_000]).await;
    two.begin(600_000).await;
    two.bytes(&vec![0; 200_000]).await;
    assert_eq!((two.frames().await, hits(&harness, Limit::IncomingBytes)), (vec![], 0));
    two.bytes(&vec![0; 100_000]).await;
    assert_eq!((two.frames().await, hits(&harness, Limit::IncomingBytes)), (vec![busy.clone()], 1));
    let close = Close { code: 1013, reason: "server is busy".into(), was_clean: false };
    assert_eq!(last_byte(&harness), (vec![], vec![close]));
    three.send(TEXT, b"small").await;
    three.send_zeros(60_000).await;
    assert_eq!(last_byte(&harness).0, [5, 60_000], "other clients are not affected");
    done(&harness, third, 2, 60_005);
    // The message is complete, and its memory is held until it is handled.
    one.bytes(&vec![0; 50_000]).await;
    let whole = harness.object.take();
    assert!(harness.gateway.incoming.used() >= 600_000);
    three.begin(600_000).await;
    three.bytes(&vec![0; 600_000]).await;
    assert_eq!(three.frames().await, [busy]);
    drop(whole);
    done(&harness, first, 1, 600_000);
    assert_eq!(harness.gateway.incoming.used(), 0);
    one.send_zeros(600_000).await;
    assert_eq!(last_byte(&harness).0, [600_000]);
}

#[tokio::test(start_paused = true)]
async fn with_the_budget_used_up_a_busy_connection_is_read_later() {
    let harness = GatewayHarness::with(Limits { incoming_bytes: 130_000, ..limits() });
    let (first, mut one) = harness.accepted().await;
    let (_, mut two) = harness.accepted().await;
    one.send_zeros(70_000).await;
    let permit = harness.object.take();
    two.send_zeros(60_000).await;
    assert_eq!(harness.gateway.incoming.used(), 70_000 + FRAME_BYTES, "64 KiB are not counted");
    two.send_zeros(60_000).await;
    let more = harness.object.take();
    assert_eq!(more.len(), 2);
    assert!(harness.gateway.incoming.is_used_up());
    one.send(TEXT, b"later").await;
    assert_eq!((last_byte(&harness).0, hits(&harness, Limit::IncomingBytes)), (vec![], 1));
    drop(permit);
    done(&harness, first, 1, 70_000);
    let_tasks_run().await;
    assert_eq!(last_byte(&harness).0, [5], "the end of its own message is enough to continue");
    drop(more);
    assert_eq!(harness.gateway.incoming.used(), 0);
}

#[tokio::test(start_paused = true)]
async fn memory_comes_back_when_a_client_leaves_in_the_middle() {
    let harness = GatewayHarness::new(None);
    let (_, mut client) = harness.accepted().await;
    client.begin(600_000).await;
    client.bytes(&vec![0; 300_000]).await;
    assert!(harness.gateway.incoming.used() >= 300_000);
    drop(client);
    let_tasks_run().await;
    assert_eq!(harness.gateway.incoming.used(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_broadcast_counts_once_however_many_have_not_taken_it() {
    let harness = GatewayHarness::new(None);
    let mut clients = Vec::new();
    for _ in 0..3 {
        clients.push(slow(&harness).await.1);
    }
    harness.broadcast(Selection::default(), &"x".repeat(500_000));
    let_tasks_run().await;
    let used = harness.gateway.outgoing.used();
    assert!((500_000..500_200).contains(&used), "{used}");
    for client in &mut clients {
        assert_eq!(client.texts().await[0].len(), 500_000);
    }
    assert_eq!(harness.gateway.outgoing.used(), 0);
}

#[tokio::test(start_paused = true)]
async fn while_too_much_waits_for_all_those_who_are_behind_are_closed() {
    let harness = GatewayHarness::with(Limits { outgoing_bytes: 1_000_000, ..limits() });
    let (behind, mut first) = slow(&harness).await;
    let (other, mut second) = slow(&harness).await;
    let (fine, mut third) = harness.accepted().await;
    // The first message of each client is not counted, because the client is not behind yet.
    for (key, count) in [(behind, 6), (other, 5)] {
        for _ in 0..count {
            harness.send(key, vec![0; 100_000], false);
        }
    }
    assert_eq!(harness.gateway.outgoing.used() / 10_000, 90);
    harness.send(fine, "hello", false);
    let_tasks_run().await;
    assert_eq!(third.texts().await, ["hello"], "a client that keeps up is not affected");
    harness.send(behind, vec![0; 100_000], false);
    let_tasks_run().await;
    assert_eq!((hits(&harness, Limit::OutgoingBytes), hits(&harness, Limit::OutboxBytes)), (1, 0));
    assert_eq!(first.frames().await.pop(), Some(closed_with(1013, "too slow")));
    // The memory of the closed client is free, so the other one stays.
    harness.send(other, "x", false);
    assert_eq!(second.frames().await.len(), 6);
    assert_eq!(hits(&harness, Limit::OutgoingBytes), 1);
}

#[tokio::test(start_paused = true)]
async fn messages_that_come_too_fast_wait_and_none_is_lost() {
    let harness = GatewayHarness::with_rate(Rate::per_second(10).burst(5));
    let (_, mut fast) = harness.accepted().await;
    let (_, mut other) = harness.accepted().await;
    let mut frames = Vec::new();
    for n in 0..50 {
        frames.extend([0x81, 0x81, 0, 0, 0, 0, n]);
    }
    let start = Instant::now();
    fast.bytes(&frames).await;
    assert_eq!(last_byte(&harness).0.len(), 5, "the burst passes");
    other.send(TEXT, b"hello").await;
    assert_eq!(last_byte(&harness).0, [5], "other clients do not wait");
    fast.send(PING, b"").await;
    let mut got = 5;
    while got < 50 {
        sleep(Duration::from_millis(50)).await;
        got += last_byte(&harness).0.len();
        let passed = start.elapsed().as_secs_f64();
        let most = 5.0 + passed * 10.0;
        assert!((got as f64) <= most + 0.1 && got as f64 >= most - 2.0, "{got} after {passed} s");
    }
    assert_eq!(hits(&harness, Limit::MessagesPerSecond), 45, "each message waited");
    assert_eq!(fast.frames().await, [(PONG, "".into())], "the ping was behind them");
    // Within the rate no message waits.
    sleep(seconds(60)).await;
    for _ in 0..20 {
        fast.send(TEXT, b"x").await;
        assert_eq!(last_byte(&harness).0.len(), 1);
        sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(hits(&harness, Limit::MessagesPerSecond), 45);
    fast.bytes(&frames).await;
    assert_eq!(last_byte(&harness).0.len(), 5);
}

#[test]
fn an_idle_socket_stays_small() {
    use crate::gateway::socket::{Socket, Task};
    // The memory of an idle socket counts once for each connection.
    assert!(size_of::<Socket>() <= 216, "{}", size_of::<Socket>());
    assert!(size_of::<Task>() <= 104, "{}", size_of::<Task>());
}

#[tokio::test(start_paused = true)]
async fn messages_after_a_close_frame_are_dropped() {
    let harness = GatewayHarness::new(None);
    let (key, mut client) = slow(&harness).await;
    // The client still has to receive a frame, so the socket has not ended.
    harness.send(key, vec![0; 1000], false);
    client.send(CLOSE, &1000_u16.to_be_bytes()).await;
    assert_eq!(last_byte(&harness), (vec![], vec![Close::clean(1000, "")]));
    // A message, followed by bytes that are not a frame.
    client.bytes(&[0x81, 0x81, 0, 0, 0, 0, b'a', 0x83, 0x80, 0, 0, 0, 0]).await;
    assert_eq!(last_byte(&harness), (vec![], vec![]), "the object has released the connection");
}

#[tokio::test(start_paused = true)]
async fn pings_of_a_client_that_does_not_read_take_no_memory() {
    let harness = GatewayHarness::new(None);
    let (key, mut client) = slow(&harness).await;
    harness.send(key, vec![0; 1000], false);
    for number in 0..1000_u32 {
        client.send(PING, &number.to_be_bytes()).await;
    }
    let frames = client.frames().await;
    let pongs: Vec<_> = frames.iter().filter(|(opcode, _)| *opcode == PONG).collect();
    assert!(pongs.len() < 100, "{} answers waited", pongs.len());
    assert_eq!(pongs.last().unwrap().1, 999_u32.to_be_bytes()[..], "the last one is answered");
    // A client that keeps up gets every pong.
    for number in 0..10_u32 {
        client.send(PING, &number.to_be_bytes()).await;
        assert_eq!(client.frames().await, [(PONG, number.to_be_bytes().to_vec().into())]);
    }
}

#[tokio::test(start_paused = true)]
async fn tiny_frames_count_with_what_they_take() {
    let harness = GatewayHarness::new(None);
    let (key, mut client) = slow(&harness).await;
    // The limit is 1 MiB; each of these frames has two bytes.
    for _ in 0..100_000 {
        harness.send(key, "", false);
    }
    let_tasks_run().await;
    assert_eq!(hits(&harness, Limit::OutboxBytes), 1);
    drop(client.frames().await);
}

#[tokio::test(start_paused = true)]
async fn the_stream_ends_with_the_close_frame_of_a_peer_that_broke_the_protocol() {
    let harness = GatewayHarness::new(None);
    let (_, mut client) = harness.accepted().await;
    let start = Instant::now();
    client.send(3, b"").await;
    assert_eq!(client.frames().await, [closed_with(1002, "unknown opcode")]);
    assert!(client.is_over().await);
    // The peer may still send data: it gets no answer and no reset.
    client.send(TEXT, b"late").await;
    client.send(CLOSE, &1002_u16.to_be_bytes()).await;
    assert!(start.elapsed() < seconds(1), "the close waits for no timeout: {:?}", start.elapsed());
    drop(client);
    let_tasks_run().await;
    let messages = harness.object.take();
    assert!(!messages.iter().any(|message| matches!(message, ToObject::Message { .. })), "{messages:?}");
    assert_eq!(harness.tasks(), 0, "the task ends when the peer closes");
}

#[tokio::test(start_paused = true)]
async fn the_stream_ends_with_the_answer_to_a_close_frame() {
    let harness = GatewayHarness::new(None);
    let (key, mut client) = harness.accepted().await;
    let start = Instant::now();
    harness.hub.apply(&mut [ToGateway::Close { connection: key, code: Some(1000), reason: "done".into() }]);
    assert_eq!(client.frames().await, [closed_with(1000, "done")]);
    client.send(CLOSE, &1000_u16.to_be_bytes()).await;
    assert!(client.is_over().await);
    assert!(start.elapsed() < seconds(1), "the close waits for no timeout: {:?}", start.elapsed());
    assert_eq!(harness.tasks(), 0);
}
