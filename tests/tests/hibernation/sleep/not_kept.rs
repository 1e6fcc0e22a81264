//! Data that is lost with the memory: fields, caches, timers, and interrupted handlers.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};

use agents::prelude::*;
use agents::serde_json::Value;
use agents::testing::{Received, TestConnection, TestHost};
use agents_tests::{Notes, Recorder, recorder};

use crate::support::{Loss, millis, secs};

#[wire]
#[derive(Clone, Default)]
struct Count {
    count: i64,
}

#[agent(state = Count, env = Recorder)]
#[derive(Default)]
struct Forgetful {
    memory: AtomicI64,
    cache: Mutex<HashMap<String, usize>>,
}

#[agent]
impl Forgetful {
    #[hook]
    fn on_start(&self, cx: &Context<Self>) -> Result<()> {
        sql!(cx, "CREATE TABLE IF NOT EXISTS steps (step INTEGER NOT NULL)")?;
        Ok(())
    }

    #[hook]
    fn on_alarm(&self, cx: &Context<Self>) {
        cx.env().note("alarm");
    }

    /// Counts in the field and in the state.
    #[callable]
    fn increment(&self, cx: &Context<Self>) -> Result<(i64, i64)> {
        let memory = self.memory.fetch_add(1, Ordering::Relaxed) + 1;
        let state = cx.update_state(|state| {
            state.count += 1;
            state.count
        })?;
        Ok((memory, state))
    }

    #[callable]
    fn both(&self, cx: &Context<Self>) -> Result<(i64, i64)> {
        Ok((self.memory.load(Ordering::Relaxed), cx.state()?.count))
    }

    /// Returns the length of a text, and whether the length was cached.
    #[callable]
    fn cached(&self, text: String) -> (usize, bool) {
        let mut cache = self.cache.lock().expect("no panic");
        let known = cache.contains_key(&text);
        let length = text.len();
        (*cache.entry(text).or_insert(length), known)
    }

    #[callable]
    fn timer_and_alarm(&self, cx: &Context<Self>, seconds: u64) -> Result<()> {
        cx.object().set_alarm(secs(seconds))?;
        let env = cx.clone();
        cx.spawn(async move {
            tokio::time::sleep(secs(seconds)).await;
            env.env().note("timer");
        })
    }

    /// Takes three steps of a second. Each step writes to two places.
    #[callable]
    async fn walk(&self, cx: &Context<Self>) -> Result<()> {
        for step in 1..=3 {
            sql!(cx, "INSERT INTO steps (step) VALUES ({step})")?;
            cx.set_state(Count { count: step })?;
            tokio::time::sleep(secs(1)).await;
            cx.env().note(format!("after step {step}"));
        }
        Ok(())
    }

    #[callable]
    fn steps(&self, cx: &View<Self>) -> Result<(Vec<i64>, i64)> {
        Ok((sql!(cx, "SELECT step FROM steps ORDER BY step")?, cx.state()?.count))
    }
}

fn forgetful() -> (TestHost, Notes) {
    let (recorder, notes) = recorder();
    let host = TestHost::start(move || Agents::new().register::<Forgetful>().env(recorder.clone()));
    (host.expect("the host starts"), notes)
}

async fn join(host: &TestHost) -> TestConnection {
    let mut client = host.agent::<Forgetful>("one").connect("").await;
    client.greeting().await;
    client
}

// S73, S76, S77
#[tokio::test(start_paused = true)]
async fn memory_starts_over_and_the_state_goes_on() {
    for loss in Loss::ALL {
        let (host, _notes) = forgetful();
        let mut client = join(&host).await;
        for count in 1..=3 {
            assert_eq!(client.call::<(i64, i64)>("increment", ()).await, (count, count));
        }
        assert_eq!(client.call::<(usize, bool)>("cached", ("long",)).await, (4, false));
        assert_eq!(client.call::<(usize, bool)>("cached", ("long",)).await, (4, true));

        let host = loss.happen(host, "forgetful", "one").await;
        if loss != Loss::Hibernation {
            client = join(&host).await;
        }
        assert_eq!(client.call::<(i64, i64)>("both", ()).await, (0, 3), "{loss:?}");
        assert_eq!(client.call::<(i64, i64)>("increment", ()).await, (1, 4), "{loss:?}");
        assert_eq!(client.call::<(usize, bool)>("cached", ("long",)).await, (4, false), "{loss:?}");
    }
}

// S66, S73
#[tokio::test(start_paused = true)]
async fn memory_is_lost_by_being_idle_too() {
    let (host, _notes) = forgetful();
    let mut client = join(&host).await;
    assert_eq!(client.call::<(i64, i64)>("increment", ()).await, (1, 1));
    host.advance(secs(9)).await;
    assert_eq!(client.call::<(i64, i64)>("increment", ()).await, (2, 2), "not idle for long enough");
    host.advance(secs(11)).await;
    assert_eq!(client.call::<(i64, i64)>("increment", ()).await, (1, 3));
}

// S74
#[tokio::test(start_paused = true)]
async fn a_timer_dies_in_a_crash_and_an_alarm_does_not() {
    for loss in [Loss::Crash, Loss::Restart] {
        let (host, mut notes) = forgetful();
        let mut client = join(&host).await;
        client.call::<()>("timerAndAlarm", (60,)).await;
        let host = loss.happen(host, "forgetful", "one").await;
        host.advance(secs(100)).await;
        assert_eq!(notes.so_far(), ["alarm"], "{loss:?}");
    }
}

// S74
#[tokio::test(start_paused = true)]
async fn a_timer_keeps_the_agent_awake_until_it_rings() {
    let (host, mut notes) = forgetful();
    let mut client = join(&host).await;
    client.call::<()>("timerAndAlarm", (45,)).await;
    client.stay(secs(44)).await;
    let object = host.agent::<Forgetful>("one");
    assert!(object.is_awake());
    assert!(notes.so_far().is_empty());
    client.stay(secs(2)).await;
    let mut told = notes.so_far();
    told.sort_by_key(Value::to_string);
    assert_eq!(told, ["alarm", "timer"]);
    client.stay(secs(11)).await;
    assert!(!object.is_awake());
}

// S75
#[tokio::test(start_paused = true)]
async fn a_crash_between_two_steps_leaves_whole_steps() {
    for steps in 1..=3 {
        let (host, mut notes) = forgetful();
        let mut client = join(&host).await;
        client.start_call("walk", ()).await;
        host.advance(millis(1000 * steps - 500)).await;
        host.agent::<Forgetful>("one").crash().await;
        let end = client.end().await;
        assert!(matches!(end, Received::Close(1011, _)), "{end:?}");

        let mut client = join(&host).await;
        let expected: Vec<i64> = (1..=steps.try_into().unwrap()).collect();
        let count = *expected.last().unwrap();
        assert_eq!(client.call::<(Vec<i64>, i64)>("steps", ()).await, (expected, count));
        host.advance(secs(10)).await;
        assert_eq!(notes.so_far().len() as u64, steps - 1, "the handler does not continue");
    }
}

// S75
#[tokio::test(start_paused = true)]
async fn a_handler_that_waits_is_not_put_to_sleep() {
    let (host, _notes) = forgetful();
    let object = host.agent::<Forgetful>("one");
    let mut client = join(&host).await;
    let call = client.start_call("walk", ()).await;
    host.advance(millis(500)).await;
    object.hibernate().await.expect("it sleeps once the handler is done");
    assert_eq!(client.answer(&call).await["success"], true);
    assert!(!object.is_awake());
    assert_eq!(client.call::<(Vec<i64>, i64)>("steps", ()).await, (vec![1, 2, 3], 3));
}
