//! The idle time before hibernation, and events that do not extend it.

use std::sync::atomic::{AtomicI64, Ordering};

use agents::object::PinnedBy;
use agents::prelude::*;
use agents::testing::{StillAwake, TestConnection, TestHost, TestObject};
use agents_tests::{Notes, Recorder, recorder};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{IDLE, Loss, NAP, frame, millis, secs};

/// An agent without options: all values are the defaults.
#[agent(env = Recorder)]
#[derive(Default)]
struct Plain {
    count: AtomicI64,
}

#[agent]
impl Plain {
    #[hook]
    fn on_start(&self, cx: &Context<Self>) -> Result<()> {
        let starts = cx.storage().get::<u64>("starts")?.unwrap_or_default() + 1;
        cx.storage().put("starts", &starts)?;
        cx.object().set_web_socket_auto_response("tick", "tock")?;
        cx.env().note(format!("start {starts}"));
        Ok(())
    }

    #[hook]
    fn should_connection_be_readonly(&self, cx: &View<Self>) -> bool {
        cx.env().note("asked");
        false
    }

    #[hook]
    fn on_message(&self, cx: &Context<Self>, conn: &Connection<Self>, message: Message) -> Result<()> {
        let text = message.text().unwrap_or_default();
        cx.env().note(format!("message {text}"));
        conn.send(format!("echo {text}"))
    }

    #[callable]
    fn touch(&self) -> i64 {
        self.count.fetch_add(1, Ordering::Relaxed) + 1
    }
}

#[agent(hibernate = false)]
#[derive(Default)]
struct Resident {
    count: AtomicI64,
}

#[agent]
impl Resident {
    #[callable]
    fn touch(&self) -> i64 {
        self.count.fetch_add(1, Ordering::Relaxed) + 1
    }
}

#[agent(hibernate_after = "2500ms")]
#[derive(Default)]
struct Hasty;

#[agent]
impl Hasty {
    #[callable]
    fn touch(&self) {}
}

fn start() -> (TestHost, Notes) {
    let (recorder, notes) = recorder();
    let host = TestHost::start(move || {
        let agents = Agents::new().register::<Plain>().register::<Resident>().register::<Hasty>();
        agents.env(recorder.clone())
    });
    (host.expect("the host starts"), notes)
}

async fn join(object: &TestObject) -> TestConnection {
    let mut client = object.connect("").await;
    client.greeting().await;
    client
}

/// Checks that the object hibernates after this time and not earlier.
async fn sleeps_after(host: &TestHost, object: &TestObject, time: std::time::Duration) {
    host.advance(time - millis(2)).await;
    assert!(object.is_awake(), "too early");
    host.advance(millis(4)).await;
    assert!(!object.is_awake(), "too late");
}

// S64, S66
#[tokio::test(start_paused = true)]
async fn an_agent_sleeps_ten_seconds_after_the_last_event() {
    let (host, _notes) = start();
    let object = host.agent::<Plain>("one");
    let mut client = join(&object).await;
    sleeps_after(&host, &object, IDLE).await;
    // The agent wakes and hibernates with every message.
    for _ in 0..3 {
        assert_eq!(client.call::<i64>("touch", ()).await, 1);
        sleeps_after(&host, &object, IDLE).await;
    }
}

// S66
#[tokio::test(start_paused = true)]
async fn every_message_starts_the_time_again() {
    let (host, _notes) = start();
    let object = host.agent::<Plain>("one");
    let mut client = join(&object).await;
    for count in 1..=6 {
        host.advance(secs(9)).await;
        assert_eq!(client.call::<i64>("touch", ()).await, count, "it was awake all the time");
    }
    sleeps_after(&host, &object, IDLE).await;
}

// S66
#[tokio::test(start_paused = true)]
async fn another_client_that_comes_or_goes_is_an_event() {
    let (host, _notes) = start();
    let object = host.agent::<Plain>("one");
    let _client = join(&object).await;
    host.advance(secs(9)).await;
    let other = join(&object).await;
    host.advance(secs(9)).await;
    assert!(object.is_awake());
    other.close(None).await;
    sleeps_after(&host, &object, IDLE).await;
    host.advance(secs(5)).await;
    assert_eq!(object.get("").await.status(), 404, "there is no on_request");
    sleeps_after(&host, &object, IDLE).await;
}

// S66, S67
#[tokio::test(start_paused = true)]
async fn what_the_gateway_answers_is_no_event() {
    let (host, _notes) = start();
    let object = host.agent::<Plain>("one");
    let mut ticking = join(&object).await;
    let mut pinging = join(&object).await.into_transport();
    host.advance(secs(9)).await;
    ticking.send("tick").await;
    assert_eq!(ticking.next().await.text(), "tock");
    pinging.write_all(&frame(0x89, b"")).await.unwrap();
    let mut pong = [0; 2];
    // The greeting is skipped.
    while pong != [0x8a, 0] {
        pong = [pong[1], pinging.read_u8().await.unwrap()];
    }
    sleeps_after(&host, &object, secs(1)).await;
}

// S65
#[tokio::test(start_paused = true)]
async fn a_class_can_stay_awake() {
    let (host, _notes) = start();
    let object = host.agent::<Resident>("one");
    let mut client = join(&object).await;
    for count in 1..=3 {
        assert_eq!(client.call::<i64>("touch", ()).await, count);
        client.stay(secs(3600)).await;
        assert!(object.is_awake());
    }
    assert_eq!(object.status().unwrap().pinned_by, [PinnedBy::Options]);
    assert_eq!(object.hibernate().await, Err(StillAwake { pinned_by: vec![PinnedBy::Options] }));
    // A crash ignores the option.
    object.crash().await;
    assert_eq!(join(&object).await.call::<i64>("touch", ()).await, 1);
}

// S66
#[tokio::test(start_paused = true)]
async fn a_class_has_a_time_of_its_own() {
    let (host, _notes) = start();
    let (hasty, plain) = (host.agent::<Hasty>("one"), host.agent::<Plain>("one"));
    let (mut client, _other) = (join(&hasty).await, join(&plain).await);
    sleeps_after(&host, &hasty, millis(2500)).await;
    assert!(plain.is_awake());
    client.call::<()>("touch", ()).await;
    sleeps_after(&host, &hasty, millis(2500)).await;
}

// S68, S186, S188
#[tokio::test(start_paused = true)]
async fn an_agent_starts_again_before_the_event_that_woke_it() {
    let (host, mut notes) = start();
    let object = host.agent::<Plain>("one");
    let mut client = join(&object).await;
    for wake in 2..=4 {
        notes.so_far();
        host.advance(NAP).await;
        client.send("hello").await;
        assert_eq!(client.next().await.text(), "echo hello");
        assert_eq!(notes.so_far(), [format!("start {wake}"), "message hello".to_owned()]);
    }
    // An agent that is awake is not started again.
    client.send("again").await;
    assert_eq!(client.next().await.text(), "echo again");
    assert_eq!(notes.so_far(), ["message again"]);
    assert_eq!(object.status().unwrap().metrics.wakes, 4);
}

// S68
#[tokio::test(start_paused = true)]
async fn an_agent_starts_again_after_a_crash_and_in_a_new_process() {
    for loss in [Loss::Crash, Loss::Restart] {
        let (host, mut notes) = start();
        let _client = join(&host.agent::<Plain>("one")).await;
        let host = loss.happen(host, "plain", "one").await;
        let _client = join(&host.agent::<Plain>("one")).await;
        assert_eq!(notes.so_far(), ["start 1", "asked", "start 2", "asked"], "{loss:?}");
    }
}

// S125
#[tokio::test(start_paused = true)]
async fn the_readonly_hook_is_asked_once_a_connection_whatever_happens_in_between() {
    let (host, mut notes) = start();
    let object = host.agent::<Plain>("one");
    let mut asked = || notes.so_far().iter().filter(|note| **note == "asked").count();
    let mut client = join(&object).await;
    for _ in 0..3 {
        object.hibernate().await.unwrap();
        client.call::<i64>("touch", ()).await;
    }
    assert_eq!(asked(), 1);
    client.close(None).await;
    let _client = join(&object).await;
    assert_eq!(asked(), 1, "once more for the new connection");
}

// S66
#[tokio::test(start_paused = true)]
async fn messages_that_come_at_once_wake_an_agent_once() {
    let (host, mut notes) = start();
    let object = host.agent::<Plain>("one");
    let mut clients = Vec::new();
    for _ in 0..10 {
        clients.push(join(&object).await);
    }
    object.hibernate().await.unwrap();
    notes.so_far();
    for client in &mut clients {
        client.send("hello").await;
        client.send("you").await;
    }
    for client in &mut clients {
        assert_eq!(client.next().await.text(), "echo hello");
        assert_eq!(client.next().await.text(), "echo you");
    }
    let told = notes.so_far();
    assert_eq!((&told[0], told.len()), (&json!("start 2"), 21));
}
