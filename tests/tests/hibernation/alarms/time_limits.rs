//! Starts and alarms that never end: each has a time limit.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use agents::limits::{Limit, Limits};
use agents::prelude::*;
use agents::testing::{Received, TestHost, TestObject};
use agents_tests::{Notes, Recorder, recorder};

use crate::support::{body, millis, secs};

struct Trouble {
    recorder: Recorder,
    starts_hang: AtomicBool,
    alarms_hang: AtomicBool,
}

#[agent(env = Arc<Trouble>)]
#[derive(Default)]
struct Stuck;

#[agent]
impl Stuck {
    #[hook]
    async fn on_start(&mut self, cx: &Context<Self>) -> Result<()> {
        cx.storage().put("begun", &true)?;
        if cx.env().starts_hang.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        Ok(())
    }

    #[callable]
    fn ping(&self) -> u32 {
        1
    }

    #[hook]
    async fn on_alarm(&self, cx: &Context<Self>, alarm: AlarmInfo) {
        let recorder = &cx.env().recorder;
        recorder.note(format!("{} rings {}", cx.name(), alarm.retry_count));
        if cx.name() != "last" && cx.env().alarms_hang.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        recorder.note(format!("{} rang", cx.name()));
    }

    #[hook]
    fn on_error(&self, cx: &Context<Self>, error: AgentError<Self>) {
        cx.env().recorder.note(format!("{} {}", cx.name(), error.error().code()));
    }

    /// Sets the alarm.
    #[hook]
    fn on_request(&self, cx: &Context<Self>, request: Request) -> Result<String> {
        if let Some(seconds) = request.uri().query().and_then(|query| query.parse::<u64>().ok()) {
            cx.object().set_alarm(secs(seconds))?;
        }
        Ok("set".to_owned())
    }
}

fn stuck(limits: Limits) -> (TestHost, Arc<Trouble>, Notes) {
    let (recorder, notes) = recorder();
    let trouble = Arc::new(Trouble {
        recorder,
        starts_hang: AtomicBool::new(false),
        alarms_hang: AtomicBool::new(false),
    });
    let env = trouble.clone();
    let host =
        TestHost::start(move || Agents::new().register::<Stuck>().env(env.clone()).limits(limits.clone()));
    (host.expect("the host starts"), trouble, notes)
}

fn reached(host: &TestHost, limit: Limit) -> u64 {
    host.host().metrics().limits[limit]
}

/// Returns the duration of the work in seconds, and its result.
async fn seconds<T>(host: &TestHost, work: impl Future<Output = T>) -> (u64, T) {
    let before = host.now();
    let result = work.await;
    ((host.now() - before + 500) / 1000, result)
}

#[tokio::test(start_paused = true)]
async fn a_start_has_thirty_seconds_and_fails_all_that_wait_for_it() {
    let (host, trouble, _notes) = stuck(Limits::default());
    trouble.starts_hang.store(true, Ordering::SeqCst);
    let object = host.agent::<Stuck>("one");
    let mut early = object.connect("").await;
    early.stay(secs(15)).await;
    let mut late = object.connect("").await;
    let waits = tokio::join!(
        seconds(&host, early.next()),
        seconds(&host, late.next()),
        seconds(&host, object.get("")),
    );
    for (seconds, end) in [waits.0, waits.1] {
        assert_eq!(seconds, 15);
        assert!(
            matches!(&end, Received::Close(4500, reason) if reason.contains("start within 30s")),
            "{end:?}"
        );
    }
    let (seconds, response) = waits.2;
    assert_eq!((seconds, response.status().as_u16()), (15, 500));
    assert_eq!(
        body(response).await,
        r#"{"code":"start_timeout","message":"the agent did not start within 30s"}"#
    );
    assert_eq!(reached(&host, Limit::StartTimeout), 1);

    trouble.starts_hang.store(false, Ordering::SeqCst);
    let mut client = object.connect("").await;
    client.greeting().await;
    assert_eq!(client.call::<u32>("ping", ()).await, 1, "the next one tries again");
}

#[tokio::test(start_paused = true)]
async fn a_call_to_an_agent_that_does_not_start_is_answered() {
    let mut limits = Limits::default();
    limits.start_timeout = secs(3);
    let (host, trouble, _notes) = stuck(limits);
    let object = host.agent::<Stuck>("one");
    let mut client = object.connect("").await;
    client.greeting().await;
    object.hibernate().await.expect("nothing keeps it awake");
    trouble.starts_hang.store(true, Ordering::SeqCst);
    let (seconds, error) = seconds(&host, client.call_error("ping", ())).await;
    assert_eq!((seconds, &*error), (3, "the agent did not start within 3s"));
    client.stay(secs(60)).await;
    assert!(!object.is_awake(), "the start was stopped");
    trouble.starts_hang.store(false, Ordering::SeqCst);
    assert_eq!(client.call::<u32>("ping", ()).await, 1);
}

async fn set(object: &TestObject, seconds: &str) {
    assert_eq!(body(object.get(seconds).await).await, "set");
}

#[tokio::test(start_paused = true)]
async fn an_alarm_has_fifteen_minutes_and_is_tried_again() {
    let (host, trouble, mut notes) = stuck(Limits::default());
    trouble.alarms_hang.store(true, Ordering::SeqCst);
    let object = host.agent::<Stuck>("one");
    set(&object, "60").await;
    host.advance(secs(61)).await;
    assert_eq!(notes.so_far(), ["one rings 0"]);
    host.advance(Duration::from_secs(15 * 60) - secs(5)).await;
    assert!(notes.so_far().is_empty());
    trouble.alarms_hang.store(false, Ordering::SeqCst);
    host.advance(secs(10)).await;
    assert_eq!(notes.so_far(), ["one alarm_timeout", "one rings 1", "one rang"]);
    assert_eq!(reached(&host, Limit::AlarmTimeout), 1);
    host.advance(secs(60)).await;
    assert!(!object.is_awake() && notes.so_far().is_empty(), "there are no further notes");
}

#[tokio::test(start_paused = true)]
async fn alarms_that_hang_keep_no_other_from_ringing() {
    let mut limits = Limits::default();
    // Half of the slots are for objects that are woken for their alarms.
    limits.agents_awake = 4;
    let (host, trouble, mut notes) = stuck(limits);
    trouble.alarms_hang.store(true, Ordering::SeqCst);
    for (name, seconds) in [("a", "60"), ("b", "60"), ("last", "62")] {
        set(&host.agent::<Stuck>(name), seconds).await;
    }
    host.advance(secs(61)).await;
    let mut hanging = notes.so_far();
    hanging.sort_by_key(ToString::to_string);
    assert_eq!(hanging, ["a rings 0", "b rings 0"]);
    host.advance(secs(40)).await;
    assert_eq!(notes.so_far(), ["last rings 0", "last rang"]);
    assert!(host.agent::<Stuck>("a").is_awake());
    host.advance(millis(1)).await;
}
