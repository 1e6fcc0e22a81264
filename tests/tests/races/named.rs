//! One test for each known race.

use std::time::Duration;

use agents::axum::body::to_bytes;
use agents::object::PinnedBy;
use agents::testing::{Received, TestConnection, TestHost};
use agents_tests::Notes;
use futures_util::future::{join, join_all};
use serde_json::{Value, json};
use tokio::task::yield_now;

use crate::stage::host;

pub(crate) const MOMENT: Duration = Duration::from_millis(1);

/// Reads notes until this one and returns the notes before it.
pub(crate) async fn until(notes: &mut Notes, last: &str) -> Vec<Value> {
    let mut before = Vec::new();
    loop {
        let note = notes.next().await;
        if note == last {
            return before;
        }
        before.push(note);
    }
}

pub(crate) async fn text(client: &mut TestConnection) -> String {
    client.next().await.text()
}

/// Returns the close frame, which is answered.
pub(crate) async fn close_frame(client: &mut TestConnection) -> Received {
    let close = client.next().await;
    assert_eq!(client.next().await, Received::Dropped);
    close
}

/// Checks that all objects hibernate and none reports a reason to stay awake.
pub(crate) async fn all_asleep(host: &TestHost) {
    host.advance(Duration::from_secs(31)).await;
    for status in host.host().statuses() {
        assert!(!status.awake && status.pinned_by.is_empty(), "{status:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_while_falling_asleep_wakes_the_object_again() {
    let (host, object, stage, mut notes) = host(&["hibernate"]);
    let mut client = object.connect("_pk=a").await;
    tokio::spawn({
        let object = object.clone();
        async move { object.hibernate().await }
    });
    until(&mut notes, "hibernate").await;
    client.send("hello").await;
    host.advance(MOMENT).await;
    assert_eq!(notes.so_far(), Vec::<Value>::new(), "the old activation takes no more events");
    stage.open("hibernate", 2);
    assert_eq!(text(&mut client).await, "welcome");
    assert_eq!(text(&mut client).await, "got hello");
    assert_eq!(until(&mut notes, "message hello").await, ["asleep", "start"]);
    all_asleep(&host).await;
}

#[tokio::test(start_paused = true)]
async fn two_sockets_at_once_start_a_cold_object_once_and_it_sleeps_again() {
    let (host, object, _, mut notes) = host(&[]);
    let (mut a, mut b) = join(object.connect("_pk=a"), object.connect("_pk=b")).await;
    for client in [&mut a, &mut b] {
        assert_eq!(text(client).await, "welcome");
    }
    assert_eq!(notes.so_far(), ["start", "connect a", "connect b"]);
    host.advance(Duration::from_secs(11)).await;
    assert!(!object.is_awake());
    assert_eq!(notes.so_far(), ["hibernate", "asleep"]);
}

#[tokio::test(start_paused = true)]
async fn a_close_while_waking_is_heard_once_after_the_start() {
    let (host, object, stage, mut notes) = host(&["start"]);
    stage.open("start", 1);
    let mut a = object.connect("_pk=a").await;
    let b = object.connect("_pk=b").await;
    object.hibernate().await.unwrap();
    notes.so_far();
    a.send("wake up").await;
    until(&mut notes, "start").await;
    assert_eq!(b.close(Some((4321, "bye"))).await, Received::Close(4321, "bye".into()));
    drop(a);
    host.advance(MOMENT).await;
    assert_eq!(notes.so_far(), Vec::<Value>::new());
    stage.open("start", 1);
    host.advance(MOMENT).await;
    assert_eq!(
        notes.so_far(),
        ["close b 4321", "message wake up", "close a 1006"],
        "the messages of a client are handled before its close"
    );
    all_asleep(&host).await;
}

#[tokio::test(start_paused = true)]
async fn a_socket_that_is_gone_before_it_was_let_in_connects_and_closes() {
    let (host, object, stage, mut notes) = host(&["start"]);
    let a = object.connect("_pk=a").await;
    until(&mut notes, "start").await;
    drop(a);
    host.advance(MOMENT).await;
    stage.open("start", 1);
    host.advance(MOMENT).await;
    assert_eq!(notes.so_far(), ["connect a", "close a 1006"]);
    assert_eq!(object.connections(), []);
    all_asleep(&host).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_queued_for_a_socket_arrives_though_its_object_sleeps() {
    let (host, object, _, mut notes) = host(&[]);
    let mut client = object.connect("_pk=a").await;
    client.send("flood 50").await;
    until(&mut notes, "message flood 50").await;
    // The messages need much more than the pipe holds, and the client does not read.
    object.hibernate().await.unwrap();
    host.advance(Duration::from_secs(1)).await;
    assert_eq!(text(&mut client).await, "welcome");
    for number in 0..25 {
        assert!(text(&mut client).await.starts_with(&format!("{number} ")));
    }
    assert!(!object.is_awake(), "no object is woken for that");
    client.send("more").await;
    for number in 25..50 {
        assert!(text(&mut client).await.starts_with(&format!("{number} ")));
    }
    assert_eq!(text(&mut client).await, "got more");
}

#[tokio::test(start_paused = true)]
async fn what_is_queued_for_a_socket_arrives_before_its_close() {
    let (host, object, _, mut notes) = host(&[]);
    let mut client = object.connect("_pk=a").await;
    assert_eq!(text(&mut client).await, "welcome");
    client.send("flood 30").await;
    until(&mut notes, "message flood 30").await;
    host.advance(MOMENT).await;
    object.crash().await;
    for number in 0..30 {
        assert!(text(&mut client).await.starts_with(&format!("{number} ")));
    }
    assert!(matches!(client.next().await, Received::Close(1011, _)));
}

#[tokio::test(start_paused = true)]
async fn a_start_that_fails_answers_everybody_who_waits() {
    let (host, object, stage, mut notes) = host(&["start"]);
    stage.fail_starts(3);
    let asking = tokio::spawn({
        let object = object.clone();
        async move { object.get("").await.status() }
    });
    until(&mut notes, "start").await;
    let mut clients = join_all((0..4).map(|n| {
        let object = object.clone();
        async move { object.connect(&format!("_pk={n}")).await }
    }))
    .await;
    host.advance(MOMENT).await;
    stage.open("start", 10);
    assert_eq!(asking.await.unwrap(), 500);
    let mut last = clients.split_off(2);
    for client in &mut clients {
        assert_eq!(client.next().await, Received::Close(4500, "no start today".into()));
    }
    for client in &mut last {
        assert_eq!(text(client).await, "welcome");
    }
    let notes = notes.so_far();
    assert_eq!(notes.iter().filter(|note| *note == "start").count(), 3, "{notes:?}");

    // The object hibernates with sockets, and its start fails once more. The message is lost, and the sockets
    // stay open.
    object.hibernate().await.unwrap();
    stage.fail_starts(1);
    last[0].send("lost").await;
    last[0].send("found").await;
    assert_eq!(text(&mut last[0]).await, "got found");
    last[1].send("still here").await;
    assert_eq!(text(&mut last[1]).await, "got still here");
    all_asleep(&host).await;
}

#[tokio::test(start_paused = true)]
async fn a_crash_at_any_point_of_a_commit_keeps_what_was_answered() {
    let (mut answered, mut not) = (0, 0);
    for steps in 0..30 {
        let (_host, object, _, mut notes) = host(&[]);
        let mut client = object.connect("_pk=a").await;
        assert_eq!(text(&mut client).await, "welcome");
        client.send("write one").await;
        assert_eq!(text(&mut client).await, "wrote one");
        client.send("write two").await;
        until(&mut notes, "message write two").await;
        for _ in 0..steps {
            yield_now().await;
        }
        object.crash().await;
        let answer = client.next().await == Received::Text("wrote two".into());
        let end = client.end().await;
        assert!(matches!(end, Received::Close(1011, _) | Received::Dropped), "{end:?}");
        let mut again = object.connect("_pk=b").await;
        assert_eq!(text(&mut again).await, "welcome");
        again.send("read").await;
        let left = again.json().await;
        assert!(left == json!(["one", "two"]) || (!answer && left == json!(["one"])), "{answer}: {left}");
        *(if answer { &mut answered } else { &mut not }) += 1;
    }
    assert!(not > 0, "some crashes came before the answer: {answered} did not");
}

/// Writes until the log of the object was moved into its database this number of times, or the connection
/// ends. Returns the acknowledged notes and the end.
async fn write_until_moved(
    host: &TestHost,
    client: &mut TestConnection,
    times: u32,
) -> (Vec<String>, Received) {
    let mut answered = Vec::new();
    let until = host.faults().checkpoints() + times;
    while host.faults().checkpoints() < until {
        let note = format!("note {}", answered.len());
        client.send(format!("write {note}")).await;
        match client.next().await {
            Received::Text(text) => assert_eq!(text, format!("wrote {note}")),
            end => return (answered, end),
        }
        answered.push(note);
    }
    (answered, Received::Dropped)
}

#[tokio::test(start_paused = true)]
async fn a_checkpoint_that_a_broken_disk_breaks_off_ends_the_life_and_keeps_what_was_answered() {
    let (host, object, _, mut notes) = host(&[]);
    host.faults().checkpoint_at(12);
    let mut client = object.connect("_pk=a").await;
    assert_eq!(text(&mut client).await, "welcome");
    host.faults().break_checkpoints(1);
    let (answered, end) = write_until_moved(&host, &mut client, 2).await;
    assert!(matches!(end, Received::Close(1011, _)), "{end:?} after {answered:?}");
    assert!(answered.len() > 3, "{answered:?}");
    until(&mut notes, "start").await;
    let mut again = object.connect("_pk=b").await;
    assert_eq!(text(&mut again).await, "welcome");
    again.send("read").await;
    let left: Vec<String> = serde_json::from_value(again.json().await).unwrap();
    assert!(left.starts_with(&answered) && left.len() <= answered.len() + 1, "{answered:?}: {left:?}");
    let (_, end) = write_until_moved(&host, &mut again, 1).await;
    assert_eq!(end, Received::Dropped, "the next activation moves its log");
    drop((client, again));
    all_asleep(&host).await;
}

#[tokio::test(start_paused = true)]
async fn a_checkpoint_that_a_full_disk_breaks_off_holds_nothing_up() {
    let (host, object, _, mut notes) = host(&[]);
    host.faults().checkpoint_at(12);
    let mut client = object.connect("_pk=a").await;
    assert_eq!(text(&mut client).await, "welcome");
    host.faults().fail_checkpoints(1);
    let (mut answered, end) = write_until_moved(&host, &mut client, 3).await;
    assert_eq!(end, Received::Dropped, "the connection stays open");
    // The close of the database also moves the log.
    host.faults().fail_checkpoints(1);
    object.hibernate().await.unwrap();
    client.send("write one more").await;
    assert_eq!(text(&mut client).await, "wrote one more");
    answered.push("one more".to_owned());
    client.send("read").await;
    assert_eq!(client.json().await, json!(answered));
    assert_eq!(notes.so_far().iter().filter(|note| *note == "start").count(), 2);
    drop(client);
    all_asleep(&host).await;
}

#[tokio::test(start_paused = true)]
async fn ends_are_heard_though_the_object_could_not_be_opened() {
    let (host, object, _, mut notes) = host(&[]);
    let mut client = object.connect("_pk=a").await;
    let mut stays = object.connect("_pk=b").await;
    assert_eq!((text(&mut client).await, text(&mut stays).await), ("welcome".into(), "welcome".into()));
    client.send("write one").await;
    assert_eq!(text(&mut client).await, "wrote one");
    // The next activation fails to move the log that the crash leaves.
    host.faults().break_checkpoints(2);
    object.hibernate().await.unwrap();
    notes.so_far();
    client.close(Some((4321, "bye"))).await;
    host.advance(Duration::from_secs(31)).await;
    let heard = notes.so_far();
    assert_eq!(heard.iter().filter(|note| *note == "close a 4321").count(), 1, "{heard:?}");
    drop(stays);
    all_asleep(&host).await;
}

#[tokio::test(start_paused = true)]
async fn a_connect_while_its_handle_is_swept_is_let_in() {
    for steps in 0..20 {
        let (host, object, _, _) = host(&[]);
        drop(object.connect("_pk=a").await);
        // The sweeper runs every 30 s.
        host.advance(Duration::from_secs(30) - MOMENT).await;
        assert!(object.status().is_some_and(|status| !status.awake), "asleep and not swept");
        host.advance(MOMENT).await;
        for _ in 0..steps {
            yield_now().await;
        }
        let mut client = object.connect("_pk=b").await;
        assert_eq!(text(&mut client).await, "welcome");
        client.send("hello").await;
        assert_eq!(text(&mut client).await, "got hello");
        assert_eq!(object.connections().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn an_object_does_not_sleep_while_its_response_streams() {
    let (host, object, stage, mut notes) = host(&["chunk"]);
    let response = object.get("stream").await;
    assert_eq!(response.status(), 200);
    let body = tokio::spawn(to_bytes(response.into_body(), 1000));
    stage.open("chunk", 1);
    let error = object.hibernate().await.unwrap_err();
    assert_eq!(error.pinned_by, [PinnedBy::Streams(1)]);
    host.advance(Duration::from_secs(60)).await;
    assert!(object.is_awake());
    let sleeper = tokio::spawn({
        let object = object.clone();
        async move { object.hibernate().await }
    });
    host.advance(MOMENT).await;
    stage.open("chunk", 2);
    assert_eq!(body.await.unwrap().unwrap(), "0 1 2 ");
    sleeper.await.unwrap().unwrap();
    assert_eq!(notes.so_far(), ["start", "request", "hibernate", "asleep"]);
    all_asleep(&host).await;
}

#[tokio::test(start_paused = true)]
async fn what_a_socket_sends_behind_its_connect_waits_for_it() {
    let (host, object, stage, mut notes) = host(&["start"]);
    let mut client = object.connect("_pk=a").await;
    for number in 0..3 {
        client.send(number.to_string()).await;
    }
    until(&mut notes, "start").await;
    host.advance(MOMENT).await;
    stage.open("start", 1);
    for expected in ["welcome", "got 0", "got 1", "got 2"] {
        assert_eq!(text(&mut client).await, expected);
    }
    assert_eq!(notes.so_far(), ["connect a", "message 0", "message 1", "message 2"]);
}

#[tokio::test(start_paused = true)]
async fn a_crash_drops_handlers_and_keeps_ends() {
    let (host, object, stage, mut notes) = host(&["wait"]);
    let mut a = object.connect("_pk=a").await;
    let mut b = object.connect("_pk=b").await;
    for client in [&mut a, &mut b] {
        assert_eq!(text(client).await, "welcome");
    }
    a.send("wait").await;
    until(&mut notes, "message wait").await;
    // The end of `b` is posted, and the object crashes before it handles the event.
    drop(b);
    object.crash().await;
    assert!(matches!(a.next().await, Received::Close(1011, _)));
    stage.open("wait", 1);
    host.advance(Duration::from_secs(6)).await;
    let notes = notes.so_far();
    for close in ["close a 1011", "close b 1006"] {
        let heard = notes.iter().filter(|note| note.as_str() == Some(close)).count();
        assert_eq!(heard, 1, "{close}: {notes:?}");
    }
    all_asleep(&host).await;
}
