//! The resource use of an object, on a clock with a resolution of a millisecond.

use std::sync::Mutex;
use std::time::Duration;

use agents::metrics::ObjectMetrics;
use agents::object::KeepAwake;
use agents::prelude::*;
use agents::testing::{TestConnection, TestHost, TestObject};

use crate::support::{IDLE, Loss, NAP, body, secs};

#[agent]
#[derive(Default)]
struct Worker {
    guard: Mutex<Option<KeepAwake>>,
}

#[agent]
impl Worker {
    #[hook]
    fn on_start(&self, cx: &Context<Self>) -> Result<()> {
        sql!(cx, "CREATE TABLE IF NOT EXISTS rows (n INTEGER NOT NULL)")?;
        cx.object().set_web_socket_auto_response("ping", "pong")
    }

    #[hook]
    fn on_message(&self, cx: &Context<Self>, message: Message) -> Result<()> {
        cx.broadcast(message)
    }

    #[hook]
    async fn on_request(&self, _: Request) -> &'static str {
        tokio::time::sleep(secs(2)).await;
        "done"
    }

    #[callable]
    async fn work(&self, seconds: u64) {
        tokio::time::sleep(secs(seconds)).await;
    }

    #[callable]
    fn spawn(&self, cx: &Context<Self>, seconds: u64) -> Result<()> {
        cx.spawn(async move { tokio::time::sleep(secs(seconds)).await })
    }

    #[callable]
    fn hold(&self, cx: &Context<Self>, on: bool) -> Result<()> {
        let guard = if on { Some(cx.keep_awake("held")?) } else { None };
        *self.guard.lock().expect("no panic") = guard;
        Ok(())
    }

    #[callable]
    fn insert(&self, cx: &Context<Self>, rows: u32) -> Result<()> {
        for n in 0..rows {
            sql!(cx, "INSERT INTO rows (n) VALUES ({n})")?;
        }
        Ok(())
    }

    #[callable]
    fn read(&self, cx: &View<Self>) -> Result<Vec<u32>> {
        sql!(cx, "SELECT n FROM rows")
    }
}

#[agent(hibernate = false)]
#[derive(Default)]
struct Resident;

#[agent]
impl Resident {}

fn start() -> (TestHost, TestObject) {
    let host = TestHost::start(|| Agents::new().register::<Worker>().register::<Resident>());
    let host = host.expect("the host starts");
    let object = host.agent::<Worker>("one");
    (host, object)
}

async fn join(object: &TestObject) -> TestConnection {
    let mut client = object.connect("").await;
    client.greeting().await;
    client
}

fn metrics(object: &TestObject) -> ObjectMetrics {
    object.status().expect("it is known").metrics
}

/// Checks that two durations are equal apart from rounding to milliseconds.
#[track_caller]
fn near(got: Duration, expected: Duration, what: &str) {
    let difference = got.abs_diff(expected);
    assert!(difference < Duration::from_millis(30), "{what}: {got:?} instead of {expected:?}");
}

#[track_caller]
fn times(metrics: ObjectMetrics, executing: u64, pinned_idle: u64, idle: u64, hibernating: u64) {
    near(metrics.executing, secs(executing), "executing");
    near(metrics.pinned_idle, secs(pinned_idle), "pinned idle");
    near(metrics.idle, secs(idle), "idle");
    near(metrics.hibernating, secs(hibernating), "hibernating");
    near(metrics.active(), secs(executing + pinned_idle + idle), "active");
}

// S183, S189
#[tokio::test(start_paused = true)]
async fn every_moment_is_of_one_kind_and_all_add_up() {
    let (host, object) = start();
    let mut client = join(&object).await;
    client.call::<()>("work", (3,)).await;
    times(metrics(&object), 3, 0, 0, 0);
    client.call::<()>("spawn", (4,)).await;
    client.stay(secs(2)).await;
    times(metrics(&object), 3, 2, 0, 0);
    client.stay(secs(2)).await;
    client.stay(secs(6)).await;
    times(metrics(&object), 3, 4, 6, 0);
    client.stay(secs(5)).await;
    assert!(!object.is_awake());
    client.stay(secs(78)).await;
    times(metrics(&object), 3, 4, 10, 79);
    near(metrics(&object).connected, secs(96), "connected");
    assert_eq!(metrics(&object).wakes, 1);
    // A request wakes the object for two seconds of work.
    assert_eq!(body(object.get("").await).await, "done");
    times(metrics(&object), 5, 4, 10, 79);
    client.stay(NAP).await;
    times(metrics(&object), 5, 4, 20, 80);
    assert_eq!(metrics(&object).wakes, 2);
    assert_eq!(host.host().metrics().objects, metrics(&object), "there is only one object");
}

// S183
#[tokio::test(start_paused = true)]
async fn handlers_beside_each_other_count_once() {
    let (_host, object) = start();
    let (mut one, mut two) = (join(&object).await, join(&object).await);
    let calls = [one.start_call("work", (5,)).await, two.start_call("work", (5,)).await];
    one.answer(&calls[0]).await;
    two.answer(&calls[1]).await;
    times(metrics(&object), 5, 0, 0, 0);
    near(metrics(&object).connected, secs(10), "both of them");
}

// S182, S183
#[tokio::test(start_paused = true)]
async fn what_is_kept_awake_is_pinned_while_nothing_runs() {
    let (host, object) = start();
    let resident = host.agent::<Resident>("one");
    let _other = join(&resident).await;
    let mut client = join(&object).await;
    client.call::<()>("hold", (true,)).await;
    client.stay(secs(30)).await;
    client.call::<()>("hold", (false,)).await;
    client.stay(secs(20)).await;
    times(metrics(&object), 0, 30, 10, 10);
    times(metrics(&resident), 0, 50, 0, 0);
}

// S183, S206
#[tokio::test(start_paused = true)]
async fn a_day_of_doing_nothing_costs_nothing() {
    let (host, object) = start();
    let mut client = join(&object).await;
    let day = secs(86_400);
    client.stay(day).await;
    let used = metrics(&object);
    near(used.connected, day, "connected");
    near(used.executing, Duration::ZERO, "executing");
    near(used.active(), IDLE, "active");
    near(used.hibernating, day - IDLE, "hibernating");
    assert_eq!((used.wakes, used.frames_in), (1, 0));
    // An object with a message every minute is awake for its idle time only.
    for _ in 0..60 {
        client.stay(secs(60)).await;
        client.call::<()>("work", (0,)).await;
    }
    client.stay(secs(60)).await;
    let hour = metrics(&object);
    assert_eq!(hour.wakes, 61);
    near(hour.active() - used.active(), IDLE * 60, "sixty times ten seconds");
    let total = host.host().metrics();
    assert_eq!((total.awake, total.connections, total.opened), (0, 1, 1));
    assert_eq!(total.objects, hour);
}

// S183
#[tokio::test(start_paused = true)]
async fn frames_are_counted_for_every_receiver() {
    let (host, object) = start();
    let mut clients = [join(&object).await, join(&object).await, join(&object).await];
    let before = metrics(&object);
    assert_eq!((before.frames_in, before.frames_out), (0, 6), "an identity and a list for each");
    clients[0].send("to all").await;
    for client in &mut clients {
        assert_eq!(client.next().await.text(), "to all");
    }
    object.hibernate().await.unwrap();
    clients[1].send("ping").await;
    assert_eq!(clients[1].next().await.text(), "pong");
    let after = metrics(&object);
    assert_eq!((after.frames_in, after.frames_out), (2, 10));
    assert_eq!(after.wakes, 1);
    let total = host.host().metrics();
    assert_eq!(total.auto_responses, 1);
    assert_eq!((total.objects.frames_in, total.objects.frames_out), (2, 10));
}

// S183
#[tokio::test(start_paused = true)]
async fn commits_and_rows_are_counted_over_sleep_and_crash() {
    let (_host, object) = start();
    let mut client = join(&object).await;
    let before = metrics(&object);
    client.call::<()>("insert", (5,)).await;
    client.call::<()>("insert", (2,)).await;
    let after = metrics(&object);
    assert_eq!(after.rows_written - before.rows_written, 7);
    assert_eq!(after.commits - before.commits, 2);
    assert_eq!(client.call::<Vec<u32>>("read", ()).await.len(), 7);
    let read = metrics(&object);
    assert_eq!((read.rows_read - after.rows_read, read.commits), (7, after.commits));
    object.hibernate().await.unwrap();
    assert_eq!(metrics(&object).rows_written, after.rows_written, "asleep");
    client.call::<()>("insert", (1,)).await;
    let woken = metrics(&object);
    assert!(woken.rows_written > after.rows_written && woken.commits > after.commits);
    object.crash().await;
    assert_eq!(metrics(&object).commits, woken.commits);
    assert_eq!(metrics(&object).rows_written, woken.rows_written);
}

// S63, S183
#[tokio::test(start_paused = true)]
async fn the_total_knows_objects_that_were_forgotten() {
    let (host, object) = start();
    let mut client = join(&object).await;
    client.call::<()>("work", (3,)).await;
    client.call::<()>("insert", (5,)).await;
    assert_eq!(host.host().statuses().len(), 1);
    drop(client);
    host.advance(secs(200)).await;
    assert_eq!(object.status(), None, "the object is forgotten");
    assert!(host.host().statuses().is_empty());
    let total = host.host().metrics();
    assert_eq!((total.known, total.awake, total.objects.wakes), (0, 0, 1));
    near(total.objects.executing, secs(3), "executing");
    near(total.objects.connected, secs(3), "connected");
    assert!(total.objects.rows_written >= 5);
    // The object returns with new metrics, and the total continues.
    let mut client = join(&object).await;
    client.call::<()>("work", (1,)).await;
    near(metrics(&object).executing, secs(1), "its own");
    let total = host.host().metrics();
    near(total.objects.executing, secs(4), "all together");
    assert_eq!((total.objects.wakes, total.known), (2, 1));
    let host = Loss::Restart.happen(host, "worker", "one").await;
    assert_eq!(host.host().metrics().objects, ObjectMetrics::default(), "since the host started");
}
