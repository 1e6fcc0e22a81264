//! Alarms: each is delivered at its time, in every state of its object, and no object is woken early.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::UNIX_EPOCH;

use agents::axum::response::IntoResponse;
use agents::object::{DurableObject, ObjectContext, Request, Response};
use agents::prelude::{Agents, AlarmInfo, Result, json};
use agents::serde_json::Value;
use agents::testing::{TestHost, TestObject};
use agents_tests::{Notes, Recorder, recorder, since_1970};

use crate::support::{Loss, body, millis, param, secs};

/// State that all clocks of a test share.
pub(crate) struct Bench {
    pub(crate) recorder: Recorder,
    /// The next alarm sets another alarm after this many seconds; 0 sets none.
    again: AtomicU64,
    /// The time that `hibernate` takes, in seconds.
    goodbye: AtomicU64,
}

/// An object whose requests set and delete its alarm. Times are in seconds from now.
struct Clock {
    bench: Arc<Bench>,
}

impl DurableObject for Clock {
    async fn start(&mut self, _: &ObjectContext) -> Result<()> {
        self.bench.recorder.note("start");
        Ok(())
    }

    async fn fetch(&self, cx: &ObjectContext, request: Request) -> Result<Response> {
        let uri = request.uri().clone();
        let seconds = |name| param(&uri, name).and_then(|text| text.parse::<i64>().ok());
        let at = |seconds: i64| UNIX_EPOCH + millis(cx.now().saturating_add_signed(seconds * 1000));
        if let Some(seconds) = seconds("set") {
            cx.set_alarm(at(seconds))?;
        }
        if let Some(at) = param(&uri, "at") {
            cx.set_alarm(UNIX_EPOCH + millis(at.parse()?))?;
        }
        if let Some(seconds) = seconds("panic") {
            cx.set_alarm(at(seconds))?;
            panic!("on purpose");
        }
        if param(&uri, "delete").is_some() {
            cx.delete_alarm()?;
        }
        // Blocks all events for ten seconds and moves the alarm in that time.
        if let Some(seconds) = seconds("move") {
            cx.block_concurrency_while(async {
                tokio::time::sleep(secs(10)).await;
                cx.set_alarm(at(seconds))
            })
            .await?;
        }
        if let Some(seconds) = seconds("work") {
            tokio::time::sleep(secs(seconds.unsigned_abs())).await;
        }
        let left = cx.get_alarm()?.map(|at| since_1970(at).saturating_sub(cx.now()) / 1000);
        Ok(format!("{left:?}").into_response())
    }

    async fn alarm(&self, cx: &ObjectContext, alarm: AlarmInfo) -> Result<()> {
        let late = cx.now() - since_1970(alarm.scheduled_time);
        assert_eq!(cx.get_alarm()?, None, "an alarm that is being delivered is no longer set");
        let again = self.bench.again.swap(0, Ordering::Relaxed);
        if again > 0 {
            cx.set_alarm(secs(again))?;
            assert!(cx.get_alarm()?.is_some());
        }
        self.bench.recorder.note(json!({ "name": cx.name(), "late": late, "retry": alarm.retry_count }));
        Ok(())
    }

    async fn hibernate(&self, _: &ObjectContext) -> Result<()> {
        tokio::time::sleep(secs(self.bench.goodbye.load(Ordering::Relaxed))).await;
        self.bench.recorder.note("goodbye");
        Ok(())
    }
}

pub(crate) fn clock() -> (TestHost, Arc<Bench>, Notes) {
    let (program, bench, notes) = program();
    (TestHost::start(program).expect("the host starts"), bench, notes)
}

/// Returns the program of these tests, and the state that its objects share.
pub(crate) fn program() -> (impl Fn() -> Agents + Clone + Send + Sync, Arc<Bench>, Notes) {
    let (recorder, notes) = recorder();
    let bench = Arc::new(Bench { recorder, again: AtomicU64::new(0), goodbye: AtomicU64::new(0) });
    let shared = bench.clone();
    let program = move || {
        let bench = shared.clone();
        Agents::new().register_object_with("clock", move |_| Clock { bench: bench.clone() })
    };
    (program, bench, notes)
}

pub(crate) async fn ask(object: &TestObject, query: &str) -> String {
    body(object.get(query).await).await
}

/// Returns the delivered alarms, without starts and the notes of `hibernate`.
pub(crate) fn rings(notes: &mut Notes) -> Vec<Value> {
    notes.so_far().into_iter().filter(Value::is_object).collect()
}

/// Checks that one alarm is delivered within a moment of its time, and not before.
async fn rings_in(host: &TestHost, notes: &mut Notes, time: std::time::Duration) {
    host.advance(time - millis(20)).await;
    assert_eq!(rings(notes), [] as [Value; 0], "too early");
    host.advance(millis(50)).await;
    let rang = rings(notes);
    assert_eq!(rang.len(), 1, "{rang:?}");
    assert!(rang[0]["late"].as_u64() < Some(20), "{rang:?}");
    assert_eq!(rang[0]["retry"], 0);
}

// S105
#[tokio::test(start_paused = true)]
async fn an_alarm_rings_after_sleep_crash_and_restart() {
    for loss in Loss::ALL {
        let (host, _bench, mut notes) = clock();
        let object = host.object("clock", "one");
        assert_eq!(ask(&object, "set=3600").await, "Some(3600)");
        let host = loss.happen(host, "clock", "one").await;
        let object = host.object("clock", "one");
        assert!(!object.is_awake());
        rings_in(&host, &mut notes, secs(3600)).await;
        assert_eq!(ask(&object, "").await, "None", "{loss:?}");
        // The alarm is delivered once, and not again in a new process.
        let host = host.restart().await.unwrap();
        host.advance(secs(86_400)).await;
        assert_eq!(rings(&mut notes), [] as [Value; 0], "{loss:?}");
    }
}

// S105
#[tokio::test(start_paused = true)]
async fn an_alarm_rings_while_the_object_is_awake() {
    let (host, _bench, mut notes) = clock();
    let object = host.object("clock", "one");
    ask(&object, "set=5").await;
    rings_in(&host, &mut notes, secs(5)).await;
    assert_eq!(object.status().unwrap().metrics.wakes, 1);
}

// S105
#[tokio::test(start_paused = true)]
async fn an_alarm_can_be_deleted_and_replaced() {
    let (host, _bench, mut notes) = clock();
    let object = host.object("clock", "one");
    ask(&object, "set=60").await;
    assert_eq!(ask(&object, "delete=1").await, "None");
    host.advance(secs(100)).await;
    assert_eq!(rings(&mut notes), [] as [Value; 0], "deleted");
    for times in [[60, 30], [30, 60]] {
        ask(&object, &format!("set={}", times[0])).await;
        assert_eq!(ask(&object, &format!("set={}", times[1])).await, format!("Some({})", times[1]));
        rings_in(&host, &mut notes, secs(times[1])).await;
        host.advance(secs(100)).await;
        assert_eq!(rings(&mut notes), [] as [Value; 0], "there is one");
    }
}

// S105
#[tokio::test(start_paused = true)]
async fn no_object_is_woken_for_an_alarm_that_moved_or_went_away() {
    let (host, _bench, mut notes) = clock();
    let object = host.object("clock", "one");
    ask(&object, "set=60").await;
    object.hibernate().await.unwrap();
    ask(&object, "set=120").await;
    object.hibernate().await.unwrap();
    notes.so_far();
    host.advance(secs(100)).await;
    assert!(notes.so_far().is_empty(), "it was not even started");
    assert_eq!(ask(&object, "delete=1").await, "None");
    object.hibernate().await.unwrap();
    notes.so_far();
    host.advance(secs(1000)).await;
    assert!(notes.so_far().is_empty());
}

// S105
#[tokio::test(start_paused = true)]
async fn an_alarm_that_is_moved_while_it_comes_does_not_ring_early() {
    let (host, _bench, mut notes) = clock();
    let object = host.object("clock", "one");
    ask(&object, "set=5").await;
    // The index wakes the object while this request runs.
    assert_eq!(ask(&object, "move=60").await, "Some(60)");
    rings_in(&host, &mut notes, secs(60)).await;
}

// S105
#[tokio::test(start_paused = true)]
async fn a_time_that_has_passed_rings_soon() {
    let (host, _bench, mut notes) = clock();
    let object = host.object("clock", "one");
    for query in ["set=-100", "at=0", "at=1", "set=0"] {
        ask(&object, query).await;
        host.advance(millis(50)).await;
        assert_eq!(rings(&mut notes).len(), 1, "{query}");
        assert_eq!(ask(&object, "").await, "None");
    }
    ask(&object, &format!("at={}", i64::MAX)).await;
    host.advance(secs(86_400 * 20)).await;
    assert_eq!(rings(&mut notes).len(), 0, "the alarm is too far away");
}

// S105
#[tokio::test(start_paused = true)]
async fn an_alarm_of_a_turn_that_panics_is_not_set() {
    let (host, _bench, mut notes) = clock();
    let object = host.object("clock", "one");
    assert!(ask(&object, "panic=30").await.contains("Internal error (id "));
    assert_eq!(ask(&object, "").await, "None");
    host.advance(secs(100)).await;
    assert_eq!(rings(&mut notes), [] as [Value; 0]);
    // An alarm that was set before stays set.
    ask(&object, "set=60").await;
    ask(&object, "panic=30").await;
    assert_eq!(ask(&object, "").await, "Some(60)");
    rings_in(&host, &mut notes, secs(60)).await;
}

// S105
#[tokio::test(start_paused = true)]
async fn a_change_that_was_not_committed_leaves_the_alarm_as_it_was() {
    for change in ["delete=1", "set=600"] {
        let (host, _bench, mut notes) = clock();
        let object = host.object("clock", "one");
        ask(&object, "set=60").await;
        // The index has stored the alarm by then, so only the commit can fail.
        host.advance(millis(100)).await;
        host.faults().fail_commits(1);
        ask(&object, change).await;
        rings_in(&host, &mut notes, secs(60) - millis(100)).await;
        assert_eq!(ask(&object, "").await, "None", "{change}");
    }
}

// S105
#[tokio::test(start_paused = true)]
async fn an_alarm_sets_the_next_one() {
    let (host, bench, mut notes) = clock();
    let object = host.object("clock", "one");
    ask(&object, "set=30").await;
    for time in [30_000, 29_970, 29_970] {
        bench.again.store(30, Ordering::Relaxed);
        rings_in(&host, &mut notes, millis(time)).await;
    }
    bench.again.store(0, Ordering::Relaxed);
    host.advance(secs(31)).await;
    assert_eq!(rings(&mut notes).len(), 1);
    host.advance(secs(100)).await;
    assert_eq!(rings(&mut notes).len(), 0);
}

// S105
#[tokio::test(start_paused = true)]
async fn an_alarm_waits_for_an_object_that_falls_asleep() {
    let (host, bench, mut notes) = clock();
    let object = host.object("clock", "one");
    bench.goodbye.store(3, Ordering::Relaxed);
    ask(&object, "set=11").await;
    host.advance(secs(12)).await;
    assert_eq!(notes.so_far(), ["start"], "the `hibernate` handler runs from second 10 to 13");
    host.advance(secs(2)).await;
    let told = notes.so_far();
    assert_eq!((&told[0], &told[1], told.len()), (&json!("goodbye"), &json!("start"), 3), "{told:?}");
    assert_eq!(told[2]["name"], "one");
}

// S105
#[tokio::test(start_paused = true)]
async fn alarms_of_many_objects_ring_at_one_time() {
    let (host, _bench, mut notes) = clock();
    let at = host.now() + 600_000;
    for n in 0..300 {
        ask(&host.object("clock", &format!("c{n}")), &format!("at={at}")).await;
    }
    host.advance(secs(300)).await;
    assert_eq!(host.host().metrics().awake, 0);
    // The new process learns about the alarms from the index only.
    let host = host.restart().await.unwrap();
    notes.so_far();
    host.advance(secs(299)).await;
    assert!(notes.so_far().is_empty());
    host.advance(secs(2)).await;
    let mut names: Vec<_> = rings(&mut notes).iter().map(|ring| ring["name"].to_string()).collect();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 300);
    host.advance(secs(600)).await;
    assert_eq!(rings(&mut notes).len(), 0);
}

// S105
#[tokio::test(start_paused = true)]
async fn an_alarm_rings_beside_a_handler_that_waits() {
    let (host, _bench, mut notes) = clock();
    let object = host.object("clock", "one");
    let (answer, ()) = tokio::join!(ask(&object, "set=5&work=60"), async {
        rings_in(&host, &mut notes, secs(5)).await;
    });
    assert_eq!(answer, "None");
}
