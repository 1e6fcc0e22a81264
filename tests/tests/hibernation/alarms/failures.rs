//! Alarms whose handler fails, panics, or loses its object: they are delivered again.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use agents::prelude::*;
use agents::serde_json::Value;
use agents::testing::{TestHost, TestObject};
use agents_tests::{Notes, Recorder, recorder};

use crate::support::{Loss, NAP, body, secs};

struct Trouble {
    recorder: Recorder,
    /// The number of next alarms that fail.
    alarms: AtomicU32,
    /// The number of next alarms that panic.
    panics: AtomicU32,
    /// The number of next starts that fail.
    starts: AtomicU32,
    /// The number of next alarms that take a minute.
    slow: AtomicU32,
    /// The number of failing alarms that first set another alarm, a minute later.
    again: AtomicU32,
}

fn take(count: &AtomicU32) -> bool {
    count.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |count| count.checked_sub(1)).is_ok()
}

#[agent(env = Arc<Trouble>)]
#[derive(Default)]
struct Alarmed;

#[agent]
impl Alarmed {
    #[hook]
    fn on_start(&self, cx: &Context<Self>) -> Result<()> {
        if take(&cx.env().starts) {
            cx.env().recorder.note(json!({ "start failed": cx.now() }));
            return Err(Error::msg("no start"));
        }
        Ok(())
    }

    #[hook]
    async fn on_alarm(&self, cx: &Context<Self>, alarm: AlarmInfo) -> Result<()> {
        let trouble = cx.env();
        trouble.recorder.note(json!({
            "at": cx.now(),
            "retry": alarm.retry_count,
            "is retry": alarm.is_retry(),
        }));
        if take(&trouble.slow) {
            tokio::time::sleep(secs(60)).await;
        }
        let rings = cx.storage().get::<u32>("rings")?.unwrap_or_default() + 1;
        cx.storage().put("rings", &rings)?;
        if take(&trouble.again) {
            cx.object().set_alarm(secs(60))?;
        }
        if take(&trouble.panics) {
            panic!("on purpose");
        }
        if take(&trouble.alarms) { Err(Error::msg("on purpose")) } else { Ok(()) }
    }

    #[hook]
    fn on_error(&self, cx: &Context<Self>, error: AgentError<Self>) {
        if let AgentError::Server { source, .. } = &error {
            cx.env().recorder.note(format!("{source:?}"));
        }
    }

    /// Sets the alarm if the request asks for that. Returns the number of successful alarms and whether an
    /// alarm is set.
    #[hook]
    fn on_request(&self, cx: &Context<Self>, request: Request) -> Result<String> {
        if let Some(seconds) = request.uri().query().and_then(|query| query.parse::<u64>().ok()) {
            cx.object().set_alarm(secs(seconds))?;
        }
        let rings = cx.storage().get::<u32>("rings")?.unwrap_or_default();
        Ok(format!("{rings} {}", cx.object().get_alarm()?.is_some()))
    }
}

fn alarmed() -> (TestHost, TestObject, Arc<Trouble>, Notes) {
    let (recorder, notes) = recorder();
    let trouble = Arc::new(Trouble {
        recorder,
        alarms: AtomicU32::new(0),
        panics: AtomicU32::new(0),
        starts: AtomicU32::new(0),
        slow: AtomicU32::new(0),
        again: AtomicU32::new(0),
    });
    let env = trouble.clone();
    let host = TestHost::start(move || Agents::new().register::<Alarmed>().env(env.clone()));
    let host = host.expect("the host starts");
    let object = host.agent::<Alarmed>("one");
    (host, object, trouble, notes)
}

async fn ask(object: &TestObject, query: &str) -> String {
    body(object.get(query).await).await
}

/// Returns the time and the retry count of each delivered alarm.
fn tries(notes: &mut Notes) -> Vec<(u64, u64)> {
    let told = notes.so_far();
    let rings = told.iter().filter(|note| note["at"].is_u64());
    rings
        .map(|ring| {
            let retry = ring["retry"].as_u64().unwrap();
            assert_eq!(ring["is retry"], retry > 0);
            (ring["at"].as_u64().unwrap(), retry)
        })
        .collect()
}

/// Checks that each try comes 2, 4, 8 … seconds after the one before, or up to a quarter later.
fn doubled(tries: &[(u64, u64)]) {
    for (n, pair) in tries.windows(2).enumerate() {
        let pause = pair[1].0 - pair[0].0;
        let least = (2000 << n).min(1_024_000);
        assert!((least..=least * 5 / 4 + 50).contains(&pause), "try {n}: {pause} ms in {tries:?}");
        assert_eq!(pair[1].1, n as u64 + 1);
    }
}

// S105
#[tokio::test(start_paused = true)]
async fn a_handler_that_fails_is_tried_again_later_and_later() {
    let (host, object, trouble, mut notes) = alarmed();
    trouble.alarms.store(11, Ordering::Relaxed);
    ask(&object, "30").await;
    let due = host.now() + 30_000;
    host.advance(secs(6_000)).await;
    let tries = tries(&mut notes);
    assert_eq!(tries.len(), 12);
    assert!(tries[0].0 - due < 20 && tries[0].1 == 0, "{tries:?}");
    doubled(&tries);
    // An error is not a panic: the writes of the handler are kept.
    assert_eq!(ask(&object, "").await, "12 false");
    // The retry count of the next alarm starts at zero.
    ask(&object, "30").await;
    host.advance(secs(31)).await;
    assert_eq!(notes.so_far().last().unwrap()["retry"], 0);
}

// S12, S105
#[tokio::test(start_paused = true)]
async fn a_failure_is_told_to_the_error_hook() {
    let (host, object, trouble, mut notes) = alarmed();
    trouble.alarms.store(1, Ordering::Relaxed);
    ask(&object, "1").await;
    host.advance(secs(2)).await;
    let told = notes.so_far();
    assert_eq!((told.len(), &told[1]), (2, &json!("Alarm")), "{told:?}");
    assert_eq!(ask(&object, "").await, "1 true", "the next try is set");
    host.advance(secs(2)).await;
    assert_eq!(notes.so_far()[0]["retry"], 1);
}

// S105
#[tokio::test(start_paused = true)]
async fn a_handler_that_panics_is_tried_again_without_what_it_wrote() {
    let (host, object, trouble, mut notes) = alarmed();
    trouble.panics.store(3, Ordering::Relaxed);
    ask(&object, "30").await;
    host.advance(secs(100)).await;
    let tries = tries(&mut notes);
    assert_eq!(tries.len(), 4);
    doubled(&tries);
    assert_eq!(ask(&object, "").await, "1 false");
}

// S105
#[tokio::test(start_paused = true)]
async fn tries_go_on_after_sleep_crash_and_restart() {
    for loss in Loss::ALL {
        let (host, object, trouble, mut notes) = alarmed();
        trouble.alarms.store(3, Ordering::Relaxed);
        ask(&object, "1").await;
        host.advance(secs(4)).await;
        let mut all = tries(&mut notes);
        assert_eq!(all.len(), 2, "{loss:?}");
        let host = loss.happen(host, "alarmed", "one").await;
        host.advance(secs(100)).await;
        all.extend(tries(&mut notes));
        assert_eq!(all.len(), 4, "{loss:?}");
        doubled(&all);
    }
}

// S105
#[tokio::test(start_paused = true)]
async fn an_alarm_that_a_failing_handler_set_takes_the_place_of_the_next_try() {
    for panics in [false, true] {
        let (host, object, trouble, mut notes) = alarmed();
        trouble.again.store(1, Ordering::Relaxed);
        let failing = if panics { &trouble.panics } else { &trouble.alarms };
        failing.store(1, Ordering::Relaxed);
        ask(&object, "30").await;
        host.advance(secs(200)).await;
        let tries = tries(&mut notes);
        assert_eq!(tries.len(), 2);
        let pause = (tries[1].0 - tries[0].0) / 1000;
        // A panic undoes the new alarm.
        assert_eq!((pause, tries[1].1), if panics { (2, 1) } else { (60, 0) }, "{tries:?}");
    }
}

// S68, S105
#[tokio::test(start_paused = true)]
async fn an_alarm_whose_object_does_not_start_is_tried_again() {
    let (host, object, trouble, mut notes) = alarmed();
    ask(&object, "30").await;
    object.hibernate().await.unwrap();
    trouble.starts.store(3, Ordering::Relaxed);
    host.advance(secs(100)).await;
    let told = notes.so_far();
    let times: Vec<(u64, u64)> = told
        .iter()
        .enumerate()
        .filter_map(|(n, note)| Some((note["start failed"].as_u64().or(note["at"].as_u64())?, n as u64)))
        .collect();
    assert_eq!(times.len(), 4, "{told:?}");
    doubled(&times);
    assert_eq!(ask(&object, "").await, "1 false");
}

// S105
#[tokio::test(start_paused = true)]
async fn an_alarm_whose_handler_was_cut_off_rings_again() {
    for loss in [Loss::Crash, Loss::Restart] {
        let (host, object, trouble, mut notes) = alarmed();
        trouble.slow.store(1, Ordering::Relaxed);
        ask(&object, "30").await;
        host.advance(secs(40)).await;
        assert_eq!(tries(&mut notes).len(), 1, "the handler still runs");
        let host = loss.happen(host, "alarmed", "one").await;
        host.advance(secs(10)).await;
        let again = tries(&mut notes);
        assert_eq!(again.len(), 1, "{loss:?}: {again:?}");
        assert_eq!(ask(&host.agent::<Alarmed>("one"), "").await, "1 false", "{loss:?}");
        host.advance(secs(200)).await;
        assert_eq!(tries(&mut notes), [], "{loss:?}");
    }
}

// S66, S105
#[tokio::test(start_paused = true)]
async fn an_object_sleeps_between_two_tries() {
    let (host, object, trouble, mut notes) = alarmed();
    trouble.alarms.store(6, Ordering::Relaxed);
    ask(&object, "1").await;
    // The sixth try is 62 to 77.5 s after the first. The seventh is at least 64 s later.
    host.advance(secs(80) + NAP).await;
    assert_eq!(tries(&mut notes).len(), 6);
    assert!(!object.is_awake());
    host.advance(secs(100)).await;
    let told: Vec<Value> = notes.so_far();
    assert_eq!((told.len(), &told[0]["retry"]), (1, &json!(6)));
}
