//! `on_hibernate` runs before an agent hibernates. Its writes and messages take effect.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use agents::prelude::*;
use agents::testing::{TestConnection, TestHost, TestObject};
use agents_tests::{Notes, Recorder, recorder};

use crate::support::{Loss, millis, secs};

const WELL: u8 = 0;
const SLOW: u8 = 1;
const FAILS: u8 = 2;
const PANICS: u8 = 3;
const NEVER_DONE: u8 = 4;

struct Night {
    recorder: Recorder,
    how: Arc<AtomicU8>,
}

#[wire]
#[derive(Clone, Default)]
struct Nights {
    nights: u32,
}

#[agent(state = Nights, env = Night)]
#[derive(Default)]
struct Polite;

#[agent]
impl Polite {
    #[hook]
    fn on_start(&self, cx: &Context<Self>) {
        cx.env().recorder.note("start");
    }

    #[hook]
    fn on_message(&self, cx: &Context<Self>, conn: &Connection<Self>, message: Message) -> Result<()> {
        cx.env().recorder.note("message");
        conn.send(message)
    }

    #[hook]
    async fn on_hibernate(&self, cx: &Context<Self>) -> Result<()> {
        cx.env().recorder.note("goodbye");
        let how = cx.env().how.load(Ordering::Relaxed);
        match how {
            SLOW => tokio::time::sleep(secs(3)).await,
            NEVER_DONE => tokio::time::sleep(secs(3600)).await,
            _ => {}
        }
        cx.update_state(|state| state.nights += 1)?;
        cx.broadcast("good night")?;
        match how {
            FAILS => return Err(Error::msg("cannot sleep")),
            PANICS => panic!("cannot sleep"),
            _ => {}
        }
        cx.env().recorder.note("gone");
        Ok(())
    }

    #[hook]
    fn on_error(&self, cx: &Context<Self>, error: AgentError<Self>) {
        cx.env().recorder.note(format!("error {}", error.error().code()));
    }

    #[callable]
    fn nights(&self, cx: &Context<Self>) -> Result<u32> {
        Ok(cx.state()?.nights)
    }
}

fn polite(how: u8) -> (TestHost, Notes) {
    let (recorder, notes) = recorder();
    let how = Arc::new(AtomicU8::new(how));
    let host = TestHost::start(move || {
        Agents::new().register::<Polite>().env(Night { recorder: recorder.clone(), how: how.clone() })
    });
    (host.expect("the host starts"), notes)
}

async fn join(object: &TestObject) -> TestConnection {
    let mut client = object.connect("").await;
    client.greeting().await;
    client
}

// S66
#[tokio::test(start_paused = true)]
async fn a_goodbye_counts() {
    let (host, mut notes) = polite(WELL);
    let object = host.agent::<Polite>("one");
    let mut client = join(&object).await;
    host.advance(secs(11)).await;
    assert!(!object.is_awake());
    assert_eq!(client.json().await["state"]["nights"], 1);
    assert_eq!(client.next().await.text(), "good night");
    assert_eq!(notes.so_far(), ["start", "goodbye", "gone"]);
    assert_eq!(client.call::<u32>("nights", ()).await, 1);
    object.hibernate().await.unwrap();
    assert_eq!(client.call::<u32>("nights", ()).await, 2);
}

// S66
#[tokio::test(start_paused = true)]
async fn a_goodbye_is_said_when_the_host_stops_and_not_in_a_crash() {
    for (loss, nights) in [(Loss::Restart, 1), (Loss::Crash, 0)] {
        let (host, _notes) = polite(WELL);
        let mut client = join(&host.agent::<Polite>("one")).await;
        let host = loss.happen(host, "polite", "one").await;
        if nights == 1 {
            assert_eq!(client.json().await["state"]["nights"], 1);
            assert_eq!(client.next().await.text(), "good night", "the message comes before the close");
        }
        let mut client = join(&host.agent::<Polite>("one")).await;
        assert_eq!(client.call::<u32>("nights", ()).await, nights, "{loss:?}");
    }
}

// S66, S68
#[tokio::test(start_paused = true)]
async fn a_message_that_comes_while_an_agent_falls_asleep_wakes_it_again() {
    let (host, mut notes) = polite(SLOW);
    let object = host.agent::<Polite>("one");
    let mut client = join(&object).await;
    host.advance(millis(10_500)).await;
    assert_eq!(notes.so_far(), ["start", "goodbye"]);
    client.send("not lost").await;
    assert_eq!(client.json().await["type"], "cf_agent_state");
    assert_eq!(client.next().await.text(), "good night");
    assert_eq!(client.next().await.text(), "not lost");
    assert_eq!(notes.so_far(), ["gone", "start", "message"]);
}

// S66
#[tokio::test(start_paused = true)]
async fn a_goodbye_that_fails_does_not_keep_an_agent_awake() {
    for (how, code, nights) in [(FAILS, "error error", 1), (PANICS, "error panic", 0)] {
        let (host, mut notes) = polite(how);
        let object = host.agent::<Polite>("one");
        let mut client = join(&object).await;
        host.advance(secs(11)).await;
        assert!(!object.is_awake());
        assert_eq!(notes.so_far(), ["start", "goodbye", code]);
        assert_eq!(client.call::<u32>("nights", ()).await, nights, "a panic undoes its turn");
    }
}

// S66
#[tokio::test(start_paused = true)]
async fn a_goodbye_has_the_grace_period_and_no_longer() {
    let (host, mut notes) = polite(NEVER_DONE);
    let object = host.agent::<Polite>("one");
    let mut client = join(&object).await;
    client.stay(secs(15)).await;
    assert!(object.is_awake(), "`on_hibernate` still runs");
    client.stay(secs(6)).await;
    assert!(!object.is_awake());
    assert_eq!(notes.so_far(), ["start", "goodbye"]);
    client.send("hello").await;
    assert_eq!(client.next().await.text(), "hello", "the connection was kept");
}

// S66
#[tokio::test(start_paused = true)]
async fn an_agent_that_was_never_used_says_no_goodbye() {
    let (host, mut notes) = polite(WELL);
    let object = host.agent::<Polite>("one");
    object.hibernate().await.unwrap();
    object.crash().await;
    assert!(object.status().is_none() && !object.is_awake());
    host.shutdown().await;
    assert!(notes.so_far().is_empty());
}
