//! The next alarm, set while another one is due: at the start, in the handler, and in undone turns.

use std::sync::{Arc, Mutex};

use agents::prelude::*;
use agents::testing::{TestHost, TestObject};
use agents_tests::{Notes, Recorder, recorder};

use crate::support::{Loss, body, millis, secs};

const DAY: u64 = 86_400;

/// The actions of an agent in its handlers, and the recorder of its notes.
struct Plan {
    recorder: Recorder,
    /// The action at the start.
    start: &'static str,
    /// The actions at the next alarms, in order. Later alarms have no action.
    alarms: Mutex<Vec<&'static str>>,
}

#[agent(env = Arc<Plan>)]
#[derive(Default)]
struct Daily;

#[agent]
impl Daily {
    #[hook]
    fn on_start(&self, cx: &Context<Self>) -> Result<()> {
        match cx.env().start {
            "set" => cx.object().set_alarm(secs(DAY)),
            "set twice" => {
                cx.object().set_alarm(secs(DAY + 9))?;
                cx.object().set_alarm(secs(DAY))
            }
            "delete" => cx.object().delete_alarm(),
            _ => Ok(()),
        }
    }

    #[hook]
    async fn on_alarm(&self, cx: &Context<Self>, alarm: AlarmInfo) -> Result<()> {
        cx.env().recorder.note(json!({ "at": cx.now(), "retry": alarm.retry_count }));
        let step = cx.env().alarms.lock().expect("no panic").pop().unwrap_or_default();
        match step {
            "fail" => return Err(Error::msg("on purpose")),
            "set and undo" => {
                let undone = cx.sql().transaction(|_| {
                    cx.object().set_alarm(secs(30))?;
                    Err::<(), _>(Error::msg("undone"))
                });
                assert!(undone.is_err());
                assert_eq!(cx.object().get_alarm()?, None, "a delivered alarm is no longer set");
            }
            "set twice and panic" => {
                cx.object().set_alarm(secs(30))?;
                cx.object().set_alarm(secs(60))?;
                panic!("on purpose");
            }
            "set and stay" => {
                cx.object().set_alarm(secs(1000))?;
                cx.storage().put("set", &true)?;
                tokio::time::sleep(secs(60)).await;
            }
            _ => {}
        }
        Ok(())
    }

    /// Sets the alarm if the request asks for that, and returns whether an alarm is set.
    #[hook]
    fn on_request(&self, cx: &Context<Self>, request: Request) -> Result<String> {
        let seconds = request.uri().query().and_then(|query| query.parse::<u64>().ok());
        if let Some(seconds) = seconds {
            cx.object().set_alarm(secs(seconds))?;
        }
        Ok(cx.object().get_alarm()?.is_some().to_string())
    }
}

fn daily(start: &'static str, alarms: &[&'static str]) -> (TestHost, TestObject, Notes) {
    let (recorder, notes) = recorder();
    let alarms = Mutex::new(alarms.iter().rev().copied().collect());
    let plan = Arc::new(Plan { recorder, start, alarms });
    let host = TestHost::start(move || Agents::new().register::<Daily>().env(plan.clone())).expect("a host");
    let object = host.agent::<Daily>("one");
    (host, object, notes)
}

async fn ask(object: &TestObject, query: &str) -> String {
    body(object.get(query).await).await
}

/// Returns the delivered alarms, in seconds after `since`, and the number of failed tries of each.
fn rings(notes: &mut Notes, since: u64) -> Vec<(u64, u64)> {
    let told = notes.so_far();
    let ring =
        |note: &serde_json::Value| Some(((note["at"].as_u64()? - since) / 1000, note["retry"].as_u64()?));
    told.iter().filter_map(ring).collect()
}

// S105
#[tokio::test(start_paused = true)]
async fn an_alarm_that_woke_its_agent_rings_though_the_start_sets_the_next_one() {
    for start in ["set", "set twice"] {
        let (host, object, mut notes) = daily(start, &[]);
        let since = host.now();
        assert_eq!(ask(&object, "").await, "true");
        object.hibernate().await.unwrap();
        host.advance(secs(3 * DAY + 60)).await;
        assert_eq!(rings(&mut notes, since), [(DAY, 0), (2 * DAY, 0), (3 * DAY, 0)], "{start}");
    }
}

// S105
#[tokio::test(start_paused = true)]
async fn an_alarm_that_woke_its_agent_rings_though_the_start_deletes_it() {
    let (host, object, mut notes) = daily("delete", &[]);
    let since = host.now();
    ask(&object, "30").await;
    object.hibernate().await.unwrap();
    host.advance(secs(DAY)).await;
    assert_eq!(rings(&mut notes, since), [(30, 0)]);
    // An alarm that is not due yet is deleted.
    ask(&object, "30").await;
    object.hibernate().await.unwrap();
    assert_eq!(ask(&object, "").await, "false");
    host.advance(secs(DAY)).await;
    assert_eq!(rings(&mut notes, since), []);
}

// S105
#[tokio::test(start_paused = true)]
async fn a_failed_alarm_is_tried_again_though_starts_set_the_next_one() {
    for loss in Loss::ALL {
        let (host, object, mut notes) = daily("set", &["fail", "fail", "fail"]);
        let since = host.now();
        ask(&object, "").await;
        object.hibernate().await.unwrap();
        host.advance(secs(DAY + 1)).await;
        assert_eq!(rings(&mut notes, since), [(DAY, 0)]);
        // Another event starts the agent before the next try.
        let host = loss.happen(host, "daily", "one").await;
        let object = host.agent::<Daily>("one");
        assert_eq!(ask(&object, "").await, "true");
        host.advance(secs(60)).await;
        let tries: Vec<_> = rings(&mut notes, since).into_iter().map(|(_, retry)| retry).collect();
        assert_eq!(tries, [1, 2, 3], "{loss:?}");
        host.advance(secs(DAY)).await;
        let next = rings(&mut notes, since);
        assert!(next.len() == 1 && next[0].1 == 0 && next[0].0 >= 2 * DAY, "{loss:?}: {next:?}");
    }
}

// S105
#[tokio::test(start_paused = true)]
async fn an_alarm_that_is_set_outside_of_starts_replaces_what_is_tried_again() {
    let (host, object, mut notes) = daily("", &["fail"]);
    let since = host.now();
    ask(&object, "10").await;
    host.advance(secs(11)).await;
    assert_eq!(ask(&object, "100").await, "true");
    host.advance(secs(1000)).await;
    assert_eq!(rings(&mut notes, since), [(10, 0), (111, 0)]);
}

// S105
#[tokio::test(start_paused = true)]
async fn an_alarm_that_is_set_and_undone_in_its_handler_changes_nothing() {
    let (host, object, mut notes) = daily("", &["set and undo"]);
    let since = host.now();
    ask(&object, "10").await;
    host.advance(secs(1000)).await;
    assert_eq!(rings(&mut notes, since), [(10, 0)]);
    assert_eq!(ask(&object, "").await, "false");
}

// S105
#[tokio::test(start_paused = true)]
async fn an_alarm_that_is_set_twice_before_a_panic_is_not_set() {
    let (host, object, mut notes) = daily("", &["set twice and panic"]);
    let since = host.now();
    ask(&object, "10").await;
    host.advance(secs(14)).await;
    assert_eq!(rings(&mut notes, since), [(10, 0), (12, 1)]);
    assert_eq!(ask(&object, "").await, "false");
    host.advance(secs(1000)).await;
    assert_eq!(rings(&mut notes, since), []);
}

// S105
#[tokio::test(start_paused = true)]
async fn an_alarm_whose_handler_set_the_next_one_and_was_cut_off_rings_again() {
    for loss in [Loss::Crash, Loss::Restart] {
        let (host, object, mut notes) = daily("", &["set and stay"]);
        let since = host.now();
        ask(&object, "10").await;
        host.advance(secs(15)).await;
        assert_eq!(rings(&mut notes, since), [(10, 0)]);
        let host = loss.happen(host, "daily", "one").await;
        host.advance(secs(10) + millis(50)).await;
        let again = rings(&mut notes, since);
        assert!(again.len() == 1, "{loss:?}: {again:?}");
        host.advance(secs(2000)).await;
        assert_eq!(rings(&mut notes, since), [(1010, 0)], "{loss:?}");
    }
}
