//! Tasks that call the methods of their agent.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use agents::prelude::*;
use agents::serde_json::Value;
use agents::testing::{TestConnection, TestHost};
use agents_tests::{Notes, Recorder, recorder};
use tokio::sync::Notify;

use crate::support::{Loss, NAP};

#[wire]
#[derive(Clone, Default)]
struct Ticks {
    count: u32,
}

#[agent(state = Ticks)]
#[derive(Default)]
struct Clock {
    step: u32,
}

#[agent]
impl Clock {
    #[hook]
    fn on_start(&mut self, cx: &Context<Self>) -> Result<()> {
        self.step = 3;
        let error = cx.instance().err().ok_or_else(|| Error::msg("it is there too early"))?;
        assert!(error.to_string().contains("has not started"), "{error}");
        cx.spawn_with(async move |agent, cx| agent.tick(&cx))
    }

    #[callable]
    fn tick(&self, cx: &Context<Self>) -> Result<()> {
        cx.update_state(|ticks| ticks.count += self.step).map(drop)
    }

    #[callable]
    fn tick_later(&self, cx: &Context<Self>) -> Result<()> {
        let (agent, task) = (cx.instance()?, cx.clone());
        cx.spawn(async move {
            tokio::task::yield_now().await;
            agent.tick(&task)
        })
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_reaches_its_agent() {
    let host = TestHost::start(|| Agents::new().register::<Clock>()).expect("a host");
    let mut client = host.connect("/agents/clock/a").await;
    let mut counts = Vec::new();
    let count = |frame: &Value| frame["state"]["count"].as_u64();
    while !counts.contains(&3) {
        counts.extend(count(&client.json().await));
    }
    client.call::<()>("tickLater", ()).await;
    while !counts.contains(&6) {
        counts.extend(count(&client.json().await));
    }
}

/// The levers of a test on its tasks.
struct Levers {
    notes: Recorder,
    go: Notify,
    instances: AtomicU32,
    fails: AtomicU32,
}

#[agent(env = Arc<Levers>)]
#[derive(Default)]
struct Worker {
    number: u32,
}

#[agent]
impl Worker {
    #[hook]
    async fn on_start(&mut self, cx: &Context<Self>) -> Result<()> {
        self.number = cx.env().instances.fetch_add(1, Ordering::SeqCst) + 1;
        sql!(cx, "CREATE TABLE IF NOT EXISTS work (step TEXT)")?;
        if cx.env().fails.swap(0, Ordering::SeqCst) > 0 {
            cx.spawn_with(async move |agent, cx| cx.env().notes.note(format!("began on {}", agent.number)))?;
            tokio::task::yield_now().await;
            return Err(Error::msg("not today"));
        }
        Ok(())
    }

    #[hook]
    fn on_error(&self, cx: &Context<Self>, error: AgentError<Self>) {
        cx.env().notes.note(format!("error: {}", error.error().code()));
    }

    /// Writes before and after an await.
    async fn work(&self, cx: &Context<Self>) -> Result<()> {
        sql!(cx, "INSERT INTO work VALUES ('first')")?;
        cx.env().notes.note(format!("{} works", self.number));
        cx.env().go.notified().await;
        sql!(cx, "INSERT INTO work VALUES ('second')")?;
        cx.env().notes.note(format!("{} worked", self.number));
        Ok(())
    }

    fn broken(&self, cx: &Context<Self>) -> Result<()> {
        sql!(cx, "INSERT INTO work VALUES ('undone')")?;
        panic!("{} breaks on purpose", self.number)
    }

    #[callable]
    fn start(&self, cx: &Context<Self>) -> Result<()> {
        cx.spawn_with(async move |agent, cx| agent.work(&cx).await)
    }

    #[callable]
    fn start_broken(&self, cx: &Context<Self>) -> Result<()> {
        cx.spawn_with(async move |agent, cx| agent.broken(&cx))
    }

    #[callable]
    fn start_and_panic(&self, cx: &Context<Self>) -> Result<()> {
        cx.spawn_with(async move |agent, cx| agent.work(&cx).await)?;
        panic!("on purpose")
    }

    #[callable]
    fn start_failing(&self, cx: &Context<Self>) -> Result<()> {
        cx.spawn_with(async move |_, _| Err::<(), _>(Error::new("tired", "no more")))
    }

    #[callable]
    fn panic(&self) {
        panic!("on purpose");
    }

    #[callable]
    fn steps(&self, cx: &View<Self>) -> Result<Vec<String>> {
        sql!(cx, "SELECT step FROM work ORDER BY rowid")
    }
}

fn workers(fails: u32) -> (TestHost, Arc<Levers>, Notes) {
    let (recorder, notes) = recorder();
    let levers = Arc::new(Levers {
        notes: recorder,
        go: Notify::new(),
        instances: AtomicU32::new(0),
        fails: AtomicU32::new(fails),
    });
    let env = levers.clone();
    let host = TestHost::start(move || Agents::new().env(env.clone()).register::<Worker>());
    (host.expect("the host starts"), levers, notes)
}

async fn join(host: &TestHost) -> TestConnection {
    let mut client = host.agent::<Worker>("one").connect("").await;
    client.greeting().await;
    client
}

#[tokio::test(start_paused = true)]
async fn a_task_with_its_agent_keeps_it_awake_until_the_task_ends() {
    let (host, levers, mut notes) = workers(0);
    let agent = host.agent::<Worker>("one");
    let mut client = join(&host).await;
    client.call::<()>("start", ()).await;
    assert_eq!(notes.next().await, "1 works");
    host.advance(NAP).await;
    assert!(agent.is_awake(), "the task pins the agent");
    agent.hibernate().await.expect_err("the task pins the agent");
    levers.go.notify_one();
    assert_eq!(notes.next().await, "1 worked");
    agent.hibernate().await.expect("nothing pins the agent");
    assert_eq!(client.call::<Vec<String>>("steps", ()).await, ["first", "second"]);
    assert_eq!(levers.instances.load(Ordering::SeqCst), 2, "the agent woke up for the call");
}

#[tokio::test(start_paused = true)]
async fn a_task_with_its_agent_ends_with_the_activation() {
    for loss in [Loss::Crash, Loss::Restart] {
        let (host, levers, mut notes) = workers(0);
        let mut client = join(&host).await;
        client.call::<()>("start", ()).await;
        assert_eq!(notes.next().await, "1 works", "{loss:?}");
        let host = loss.happen(host, "worker", "one").await;
        levers.go.notify_one();
        let mut client = join(&host).await;
        assert_eq!(client.call::<Vec<String>>("steps", ()).await, ["first"], "{loss:?}");
        host.advance(NAP).await;
        assert!(notes.so_far().is_empty(), "{loss:?}: the task does not go on");
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_keeps_the_instance_that_spawned_it() {
    let (host, levers, mut notes) = workers(0);
    let mut client = join(&host).await;
    client.call::<()>("start", ()).await;
    assert_eq!(notes.next().await, "1 works");
    client.call_error("panic", ()).await;
    client.call::<()>("start", ()).await;
    assert_eq!(notes.next().await, "2 works", "the instance was replaced");
    levers.go.notify_waiters();
    let ends = [notes.next().await, notes.next().await];
    assert!(ends.contains(&json!("1 worked")) && ends.contains(&json!("2 worked")), "{ends:?}");
    assert_eq!(client.call::<Vec<String>>("steps", ()).await, ["first", "first", "second", "second"]);
}

#[tokio::test(start_paused = true)]
async fn a_panic_or_an_error_of_a_task_goes_to_the_error_hook() {
    let (host, levers, mut notes) = workers(0);
    let mut client = join(&host).await;
    client.call::<()>("startFailing", ()).await;
    assert_eq!(notes.next().await, "error: tired");
    client.call::<()>("startBroken", ()).await;
    assert_eq!(notes.next().await, "error: panic");
    assert!(client.call::<Vec<String>>("steps", ()).await.is_empty(), "the turn of the task is undone");
    assert_eq!(levers.instances.load(Ordering::SeqCst), 2, "the instance is replaced");
}

#[tokio::test(start_paused = true)]
async fn a_task_of_an_undone_turn_does_not_begin() {
    let (host, _levers, mut notes) = workers(0);
    let mut client = join(&host).await;
    client.call_error("startAndPanic", ()).await;
    assert!(client.call::<Vec<String>>("steps", ()).await.is_empty());
    host.advance(NAP).await;
    assert!(!notes.so_far().contains(&json!("1 works")));
}

#[tokio::test(start_paused = true)]
async fn a_task_of_a_start_that_fails_is_dropped() {
    let (host, levers, mut notes) = workers(1);
    let mut client = host.agent::<Worker>("one").connect("").await;
    client.end().await;
    assert!(notes.so_far().is_empty(), "the task has no agent");
    let mut client = join(&host).await;
    assert!(client.call::<Vec<String>>("steps", ()).await.is_empty());
    assert_eq!(levers.instances.load(Ordering::SeqCst), 2);
    host.agent::<Worker>("one").hibernate().await.expect("no task waits for the first instance");
}
