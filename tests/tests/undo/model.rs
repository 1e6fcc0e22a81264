//! Every handle against a model: an undone change is undone in memory, in the store and on the wire, in any
//! order.

use std::collections::BTreeMap;
use std::time::{Duration, UNIX_EPOCH};

use agents::prelude::*;
use agents::serde_json::Value;
use agents::storage::KvRange;
use agents::testing::{Received, TestConnection, TestHost};
use agents_tests::random::Random;

const SEEDS: u64 = 40;
const CALLS: usize = 12;
const STEPS: usize = 7;
const TABLES: &str = "CREATE TABLE IF NOT EXISTS rows (n INTEGER NOT NULL);
    CREATE TABLE IF NOT EXISTS tasks (n INTEGER NOT NULL);
    CREATE TABLE IF NOT EXISTS broken (n INTEGER REFERENCES parents (id) DEFERRABLE INITIALLY DEFERRED);
    CREATE TABLE IF NOT EXISTS parents (id INTEGER PRIMARY KEY);";

/// An action of a handler through one of its handles.
#[wire]
#[derive(Clone, Debug)]
enum Step {
    Put(u32),
    Row(u32),
    State(u32),
    Pair(Option<u32>),
    Timeout(u32),
    Alarm(Option<u32>),
    Attach(u32),
    AttachOther(u32),
    CloseOther,
    Say(u32),
    End(u32),
    Fail(u32),
    Broadcast(u32),
    Task(u32),
    Wipe,
    /// A nested transaction, and whether it commits.
    Transaction(Vec<Step>, bool),
    /// Breaks a deferred constraint.
    Break,
    /// The end of the turn.
    Pause,
    Panic,
}

#[agent(state = u32, connection = u32)]
#[derive(Default)]
struct Scripted;

impl Scripted {
    fn step(
        &self,
        cx: &Context<Self>,
        conn: &Connection<Self>,
        out: &StreamingResponse<u32>,
        step: &Step,
    ) -> Result<()> {
        let object = cx.object();
        match step {
            Step::Put(n) => cx.storage().put(&format!("key {}", n % 3), n),
            Step::Row(n) => cx.sql().execute("INSERT INTO rows VALUES (?1)", (n,)).map(drop),
            Step::State(n) => cx.set_state(*n),
            Step::Pair(Some(n)) => object.set_web_socket_auto_response("hello", format!("{n}")),
            Step::Pair(None) => object.clear_web_socket_auto_response(),
            Step::Timeout(n) => {
                object.set_web_socket_event_timeout(Some(Duration::from_secs(u64::from(n + 100))))
            }
            Step::Alarm(Some(n)) => object.set_alarm(UNIX_EPOCH + Duration::from_secs(far(*n))),
            Step::Alarm(None) => object.delete_alarm(),
            Step::Attach(n) => conn.set_state(*n),
            Step::AttachOther(n) => {
                let other = cx.connections().find(|other| other != conn);
                other.map_or(Ok(()), |other| other.set_state(*n))
            }
            Step::CloseOther => {
                let other = cx.connections().find(|other| other != conn);
                other.map_or(Ok(()), |other| other.close(4000, "out"))
            }
            Step::Say(n) => out.send(*n),
            Step::End(n) => out.end(*n),
            Step::Fail(n) => out.error(&n.to_string()),
            Step::Broadcast(n) => cx.broadcast(n.to_string()),
            Step::Task(n) => {
                let (mine, n) = (cx.clone(), *n);
                cx.spawn(async move { mine.sql().execute("INSERT INTO tasks VALUES (?1)", (n,)).map(drop) })
            }
            Step::Wipe => {
                object.delete_all()?;
                cx.sql().execute_batch(TABLES)?;
                cx.set_state(0)
            }
            Step::Transaction(steps, counts) => {
                let done = cx.sql().transaction(|_| {
                    steps.iter().try_for_each(|step| self.step(cx, conn, out, step))?;
                    if *counts { Ok(()) } else { Err(Error::msg("undone")) }
                });
                if *counts { done } else { Ok(()) }
            }
            Step::Break => cx.sql().execute("INSERT INTO broken VALUES (4711)", ()).map(drop),
            Step::Panic => panic!("on purpose"),
            Step::Pause => Ok(()),
        }
    }
}

#[agent]
impl Scripted {
    #[hook]
    fn on_start(&self, cx: &Context<Self>) -> Result<()> {
        cx.sql().execute_batch(TABLES)
    }

    #[callable]
    async fn run(
        &self,
        cx: &Context<Self>,
        conn: &Connection<Self>,
        out: &StreamingResponse<u32>,
        steps: Vec<Step>,
    ) -> Result<u32> {
        for step in &steps {
            self.step(cx, conn, out, step)?;
            if matches!(step, Step::Pause) {
                tokio::task::yield_now().await;
            }
        }
        Ok(1_000_000)
    }

    /// Returns all values that the handles can read.
    #[callable]
    fn look(&self, cx: &Context<Self>, conn: &Connection<Self>) -> Result<Value> {
        let object = cx.object();
        let other = cx.connections().find(|other| other != conn);
        let keys: BTreeMap<String, u32> = cx.storage().list(KvRange::all())?.into_iter().collect();
        let numbers = |sql: &str| cx.sql().query::<u32>(sql, ());
        Ok(json!({
            "keys": keys,
            "rows": numbers("SELECT n FROM rows ORDER BY rowid")?,
            "tasks": numbers("SELECT n FROM tasks ORDER BY n")?,
            "broken": numbers("SELECT n FROM broken")?,
            "state": *cx.state()?,
            "pair": object.get_web_socket_auto_response().map(|(_, response)| response),
            "timeout": object.get_web_socket_event_timeout().map(|timeout| timeout.as_secs()),
            "alarm": object.get_alarm()?.map(|at| at.duration_since(UNIX_EPOCH).map(|at| at.as_secs()).unwrap_or_default()),
            "attached": conn.try_state()?,
            "other": other.map(|other| other.try_state()).transpose()?.flatten(),
        }))
    }
}

/// Returns a time that is after the end of every test, in seconds since 1970.
fn far(n: u32) -> u64 {
    4_000_000_000 + u64::from(n)
}

/// The expected state of the agent and its clients.
#[derive(Clone, Default)]
struct Model {
    keys: BTreeMap<String, u32>,
    rows: Vec<u32>,
    tasks: Vec<u32>,
    /// Tasks that run after the turn.
    begun: Vec<u32>,
    state: u32,
    pair: Option<String>,
    timeout: Option<u64>,
    alarm: Option<u64>,
    attached: Option<u32>,
    other: Option<u32>,
    /// Texts that the caller receives during the running call; `other_heard` are those of the other client.
    received: Vec<String>,
    other_heard: Vec<String>,
    ended: bool,
    broken: bool,
    /// `true` if the other client is closed.
    closed: bool,
}

impl Model {
    fn hear(&mut self, text: String) {
        self.received.push(text.clone());
        if !self.closed {
            self.other_heard.push(text);
        }
    }

    /// Applies a step. An error is a panic.
    fn step(&mut self, step: &Step) -> Result<(), ()> {
        match step {
            Step::Put(n) => drop(self.keys.insert(format!("key {}", n % 3), *n)),
            Step::Row(n) => self.rows.push(*n),
            Step::State(n) => {
                self.state = *n;
                self.hear(format!("state {n}"));
            }
            Step::Pair(pair) => self.pair = pair.map(|n| n.to_string()),
            Step::Timeout(n) => self.timeout = Some(u64::from(n + 100)),
            Step::Alarm(alarm) => self.alarm = alarm.map(far),
            Step::Attach(n) => self.attached = Some(*n),
            Step::AttachOther(n) if !self.closed => self.other = Some(*n),
            Step::CloseOther => self.closed = true,
            Step::Say(n) if !self.ended => self.received.push(format!("piece {n}")),
            Step::End(n) if !self.ended => self.end(format!("result {n}")),
            Step::Fail(n) if !self.ended => self.end(format!("error {n}")),
            Step::AttachOther(_) | Step::Say(_) | Step::End(_) | Step::Fail(_) | Step::Pause => {}
            Step::Broadcast(n) => self.hear(n.to_string()),
            Step::Task(n) => self.begun.push(*n),
            Step::Wipe => {
                let old = std::mem::take(self);
                *self = Self {
                    begun: old.begun,
                    attached: old.attached,
                    other: old.other,
                    received: old.received,
                    other_heard: old.other_heard,
                    ended: old.ended,
                    closed: old.closed,
                    ..Self::default()
                };
                self.hear("state 0".to_owned());
            }
            Step::Transaction(steps, counts) => {
                let before = self.clone();
                steps.iter().try_for_each(|step| self.step(step))?;
                if !counts {
                    *self = before;
                }
            }
            Step::Break => self.broken = true,
            Step::Panic => return Err(()),
        }
        Ok(())
    }

    fn end(&mut self, last: String) {
        self.ended = true;
        self.received.push(last);
    }

    /// Runs a call turn by turn.
    fn run(&mut self, steps: &[Step]) {
        self.received.clear();
        self.other_heard.clear();
        self.ended = false;
        for turn in steps.split_inclusive(|step| matches!(step, Step::Pause)) {
            let before = self.clone();
            let panicked = turn.iter().try_for_each(|step| self.step(step)).is_err();
            if panicked || self.broken {
                *self = before;
                if !self.ended {
                    self.end("internal error".to_owned());
                }
                return;
            }
            self.tasks.append(&mut self.begun);
        }
        if !self.ended {
            self.end("result 1000000".to_owned());
        }
    }

    fn look(&self) -> Value {
        let mut tasks = self.tasks.clone();
        tasks.sort_unstable();
        json!({
            "keys": self.keys, "rows": self.rows, "tasks": tasks, "broken": [], "state": self.state, "pair": self.pair,
            "timeout": self.timeout, "alarm": self.alarm, "attached": self.attached, "other": self.other,
        })
    }
}

fn steps(random: &mut Random, count: usize, depth: usize) -> Vec<Step> {
    let mut steps = Vec::new();
    for _ in 0..1 + random.below(count) {
        let n = u32::try_from(random.below(100_000)).unwrap();
        let nested =
            |random: &mut Random| Step::Transaction(self::steps(random, STEPS, depth + 1), random.flip());
        steps.push(match random.below(27) {
            0 | 1 => Step::Put(n),
            2 => Step::Row(n),
            3 => Step::State(n),
            4 => Step::Pair(Some(n)),
            5 => Step::Pair(None),
            6 => Step::Timeout(n),
            7 | 8 => Step::Alarm(Some(n)),
            9 => Step::Alarm(None),
            10 | 11 => Step::Attach(n),
            12 => Step::AttachOther(n),
            13 | 14 => Step::Say(n),
            15 => Step::End(n),
            16 => Step::Fail(n),
            17 => Step::Broadcast(n),
            18 => Step::Task(n),
            19 if random.below(3) == 0 => Step::Wipe,
            20 if random.below(2) == 0 => Step::Break,
            21 if random.below(2) == 0 => Step::Panic,
            22 | 23 if depth == 0 => Step::Pause,
            24 => Step::CloseOther,
            _ if depth < 3 => nested(random),
            _ => Step::Row(n),
        });
    }
    steps
}

/// Returns a frame in the notation of the model.
fn written(frame: Received) -> String {
    let text = frame.text();
    let Ok(frame) = serde_json::from_str::<Value>(&text) else { return text };
    match (frame["type"].as_str(), &frame["success"], &frame["done"]) {
        (Some("cf_agent_state"), ..) => format!("state {}", frame["state"]),
        (Some("rpc"), Value::Bool(false), _) => match frame["error"].as_str().unwrap() {
            error if error.starts_with("Internal error") => "internal error".to_owned(),
            error => format!("error {error}"),
        },
        (Some("rpc"), _, Value::Bool(false)) => format!("piece {}", frame["result"]),
        (Some("rpc"), ..) => format!("result {}", frame["result"]),
        _ => text,
    }
}

async fn connect(host: &TestHost) -> (TestConnection, TestConnection) {
    let object = host.agent::<Scripted>("one");
    let (mut mine, mut other) = (object.connect("").await, object.connect("").await);
    mine.greeting().await;
    other.greeting().await;
    (mine, other)
}

async fn check(seed: u64) {
    let mut random = Random::new(seed);
    let mut host = TestHost::start(|| Agents::new().register::<Scripted>()).unwrap();
    let (mut mine, mut other) = connect(&host).await;
    let mut model = Model::default();
    for call in 0..CALLS {
        let steps = steps(&mut random, STEPS, 0);
        let what = format!("seed {seed}, call {call}: {steps:?}");
        model.run(&steps);
        mine.start_call("run", (&steps,)).await;
        for expected in &model.received {
            assert_eq!(written(mine.next().await), *expected, "{what}");
        }
        assert_eq!(mine.drain().await, [], "{what}");
        let mut others = Vec::new();
        if std::mem::take(&mut model.closed) {
            let end = loop {
                match other.next().await {
                    text @ Received::Text(_) => others.push(written(text)),
                    end => break end,
                }
            };
            assert_eq!(end, Received::Close(4000, "out".to_owned()), "{what}");
            other = host.agent::<Scripted>("one").connect("").await;
            other.greeting().await;
            model.other = None;
        } else {
            others.extend(other.drain().await.into_iter().map(written));
        }
        assert_eq!(others, model.other_heard, "{what}");
        // The values are read from memory first, and then after the memory was lost.
        for lost in [false, true] {
            assert_eq!(mine.call::<Value>("look", ()).await, model.look(), "{what}, memory lost: {lost}");
            let kept: Vec<_> =
                host.agent::<Scripted>("one").connections().into_iter().map(|it| it.attachment).collect();
            let attached = [model.attached, model.other].map(|number| number.map(|number| json!(number)));
            assert_eq!(kept, attached, "{what}, memory lost: {lost}");
            mine.send("hello").await;
            let answers: Vec<_> = mine.drain().await.into_iter().map(Received::text).collect();
            assert_eq!(
                answers,
                model.pair.iter().cloned().collect::<Vec<_>>(),
                "{what}, memory lost: {lost}"
            );
            if lost {
                continue;
            }
            if random.below(4) == 0 {
                host = host.restart().await.unwrap();
                (mine, other) = connect(&host).await;
                (model.attached, model.other) = (None, None);
            } else {
                host.agent::<Scripted>("one").hibernate().await.unwrap();
            }
        }
    }
    host.shutdown().await;
}

#[test]
fn agents_do_as_a_model_that_undoes_everything() {
    let number = |name: &str| std::env::var(name).ok().and_then(|value| value.parse::<u64>().ok());
    let seeds = match (number("AGENTS_SEED"), number("AGENTS_SEEDS")) {
        (Some(seed), _) => seed..seed + 1,
        (None, many) => 0..many.unwrap_or(SEEDS),
    };
    if seeds.end != SEEDS {
        tracing_subscriber::fmt().with_test_writer().without_time().init();
    }
    for seed in seeds {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        runtime.block_on(check(seed));
    }
}
