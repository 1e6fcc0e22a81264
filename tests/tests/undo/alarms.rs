//! Alarms that are set and undone while another alarm is delivered.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use agents::object::{DurableObject, ObjectContext};
use agents::prelude::*;
use agents::testing::{TestHost, TestObject};
use agents_tests::{Notes, Recorder, recorder};

const HOUR: u64 = 3_600_000;

/// The action of the next alarm, and the recorder of the deliveries.
struct Plan {
    what: AtomicU32,
    recorder: Recorder,
}

const ROLL_BACK: u32 = 1;
const PANIC: u32 = 2;
const DELETE: u32 = 3;
const LATER: u32 = 4;

#[agent(env = Arc<Plan>)]
#[derive(Default)]
struct Rings;

#[agent]
impl Rings {
    #[hook]
    async fn on_alarm(&self, cx: &Context<Self>, alarm: AlarmInfo) -> Result<()> {
        cx.env().recorder.note(json!([cx.now(), alarm.retry_count]));
        let object = cx.object();
        let next = UNIX_EPOCH + Duration::from_millis(cx.now() + HOUR);
        let later = next + Duration::from_millis(1);
        match cx.env().what.swap(0, Ordering::SeqCst) {
            ROLL_BACK => {
                let undone: Result<()> = cx.sql().transaction(|_| {
                    object.set_alarm(next)?;
                    assert_eq!(object.get_alarm()?, Some(next));
                    object.set_alarm(later)?;
                    Err(Error::msg("not today"))
                });
                assert_eq!(undone.unwrap_err().to_string(), "not today");
                assert_eq!(object.get_alarm()?, None, "the delivered alarm is no longer set");
            }
            PANIC => {
                object.set_alarm(next)?;
                object.set_alarm(later)?;
                panic!("on purpose");
            }
            DELETE => {
                let undone: Result<()> = cx.sql().transaction(|_| {
                    object.delete_alarm()?;
                    Err(Error::msg("not today"))
                });
                assert_eq!(undone.unwrap_err().to_string(), "not today");
                return Err(Error::msg("tried again"));
            }
            LATER => {
                object.set_alarm(next)?;
                tokio::task::yield_now().await;
                object.set_alarm(later)?;
                panic!("on purpose");
            }
            _ => {}
        }
        Ok(())
    }

    #[hook]
    fn on_request(&self, cx: &Context<Self>, _request: Request) -> Result<String> {
        cx.object().set_alarm(Duration::from_millis(100))?;
        Ok(String::new())
    }
}

/// Starts an agent, and sets its alarm and the action of the alarm.
async fn armed(what: u32) -> (TestHost, TestObject, Notes, u64) {
    let (recorder, notes) = recorder();
    let plan = Arc::new(Plan { what: AtomicU32::new(what), recorder });
    let host = TestHost::start(move || Agents::new().register::<Rings>().env(plan.clone())).unwrap();
    let object = host.agent::<Rings>("one");
    let at = host.now() + 100;
    object.get("").await;
    (host, object, notes, at)
}

#[tokio::test(start_paused = true)]
async fn an_alarm_that_was_undone_does_not_keep_the_one_that_rings() {
    let (host, _, mut notes, at) = armed(ROLL_BACK).await;
    host.advance(Duration::from_secs(2 * 3600)).await;
    assert_eq!(notes.so_far(), [json!([at, 0])], "the alarm was delivered once");
}

#[tokio::test(start_paused = true)]
async fn a_ring_that_set_the_alarm_twice_and_panicked_is_tried_again() {
    let (host, _, mut notes, at) = armed(PANIC).await;
    host.advance(Duration::from_secs(2 * 3600)).await;
    let rang = notes.so_far();
    assert_eq!(rang.len(), 2, "{rang:?}");
    assert_eq!(rang[0], json!([at, 0]));
    assert_eq!(rang[1][1], 1, "a retry");
    let pause = rang[1][0].as_u64().unwrap() - at;
    assert!((2000..=2500).contains(&pause), "{pause}");
}

#[tokio::test(start_paused = true)]
async fn an_alarm_whose_deletion_was_undone_is_tried_again() {
    let (host, _, mut notes, at) = armed(DELETE).await;
    host.advance(Duration::from_secs(2 * 3600)).await;
    let rang = notes.so_far();
    assert_eq!(rang.len(), 2, "{rang:?}");
    assert_eq!((&rang[0], &rang[1][1]), (&json!([at, 0]), &json!(1)));
}

#[tokio::test(start_paused = true)]
async fn an_alarm_set_in_an_earlier_turn_of_the_ring_stays() {
    let (host, _, mut notes, at) = armed(LATER).await;
    host.advance(Duration::from_secs(2 * 3600)).await;
    assert_eq!(notes.so_far(), [json!([at, 0]), json!([at + HOUR, 0])], "only the second turn is undone");
}

/// An object whose first alarm fails at the end of its turn, or panics at its start.
struct Plain {
    plan: Arc<Plan>,
}

const BREAK: u32 = 5;

impl DurableObject for Plain {
    async fn fetch(&self, cx: &ObjectContext, _: Request) -> Result<Response> {
        cx.sql().execute_batch(
            "CREATE TABLE parents (id INTEGER PRIMARY KEY);
             CREATE TABLE children (parent INTEGER REFERENCES parents (id) DEFERRABLE INITIALLY DEFERRED);",
        )?;
        cx.set_alarm(Duration::from_millis(100))?;
        Ok(Response::default())
    }

    async fn alarm(&self, cx: &ObjectContext, alarm: AlarmInfo) -> Result<()> {
        self.plan.recorder.note(json!([cx.now(), alarm.retry_count]));
        match self.plan.what.swap(0, Ordering::SeqCst) {
            BREAK => cx.sql().execute("INSERT INTO children VALUES (1)", ()).map(drop),
            PANIC => panic!("on purpose"),
            _ => Ok(()),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_ring_whose_turn_is_undone_at_its_end_is_tried_again() {
    for what in [BREAK, PANIC] {
        let (recorder, mut notes) = recorder();
        let plan = Arc::new(Plan { what: AtomicU32::new(what), recorder });
        let program = move || {
            let plan = plan.clone();
            Agents::new().register_object_with("plain", move |_| Plain { plan: plan.clone() })
        };
        let host = TestHost::start(program).unwrap();
        let at = host.now() + 100;
        host.object("plain", "one").get("").await;
        host.advance(Duration::from_secs(2 * 3600)).await;
        let rang = notes.so_far();
        assert_eq!(rang.len(), 2, "{what}: {rang:?}");
        assert_eq!((&rang[0], &rang[1][1]), (&json!([at, 0]), &json!(1)), "{what}");
    }
}
