//! Accepted connections against a model: the connection, its tags and its attachment, with every kind of
//! undo.

use std::sync::{Arc, Mutex};

use agents::axum::response::IntoResponse;
use agents::http::StatusCode;
use agents::object::{DurableObject, ObjectContext, WebSocket, WebSocketUpgrade};
use agents::prelude::*;
use agents::testing::{Received, TestHost};
use agents_tests::random::Random;

const SEEDS: u64 = 300;

/// A step that `fetch` takes with a request for a WebSocket.
#[derive(Clone, Debug)]
enum Step {
    Accept(Vec<String>),
    Attach(u64),
    Send(u64),
    Flags(bool),
    Close,
    /// A nested transaction, and whether it commits.
    Transaction(Vec<Step>, bool),
    /// The end of the turn.
    Pause,
    Panic,
}

struct Scripted {
    plan: Arc<Mutex<Vec<Step>>>,
    violations: Arc<Mutex<Vec<String>>>,
}

impl Scripted {
    fn step(&self, cx: &ObjectContext, upgrade: &WebSocketUpgrade, step: &Step) -> Result<()> {
        let socket = cx.get_web_sockets().into_iter().next();
        match (step, socket) {
            (Step::Accept(tags), socket) => {
                let again = cx.accept_web_socket(upgrade.clone(), tags.clone());
                if socket.is_some() && again.is_ok() {
                    self.violations.lock().unwrap().push("accepted twice".to_owned());
                }
                if let Ok(socket) = again {
                    self.check(&socket, tags, cx);
                }
            }
            (Step::Transaction(steps, counts), _) => {
                let done = cx.sql().transaction(|_| {
                    steps.iter().try_for_each(|step| self.step(cx, upgrade, step))?;
                    if *counts { Ok(()) } else { Err(Error::msg("undone")) }
                });
                return if *counts { done } else { Ok(()) };
            }
            (Step::Panic, _) => panic!("on purpose"),
            (Step::Attach(n), Some(socket)) => socket.serialize_attachment(n)?,
            (Step::Send(n), Some(socket)) => socket.send(n.to_string())?,
            (Step::Flags(on), Some(socket)) => {
                let bit = agents::object::Flags::bit(3);
                socket.set_flags(socket.flags().with(bit, *on))?;
            }
            (Step::Close, Some(socket)) => socket.close(4001, "closed")?,
            _ => {}
        }
        Ok(())
    }

    fn check(&self, socket: &WebSocket, tags: &[String], cx: &ObjectContext) {
        let listed = cx.get_web_sockets().all_tags(tags.iter().cloned()).count();
        if socket.tags() != tags || listed != 1 {
            self.violations
                .lock()
                .unwrap()
                .push(format!("{tags:?} became {:?}, {listed} listed", socket.tags()));
        }
    }
}

impl DurableObject for Scripted {
    async fn fetch(&self, cx: &ObjectContext, mut request: Request) -> Result<Response> {
        let upgrade = WebSocketUpgrade::take(&mut request).expect("a WebSocket");
        let plan = std::mem::take(&mut *self.plan.lock().unwrap());
        for step in &plan {
            self.step(cx, &upgrade, step)?;
            if matches!(step, Step::Pause) {
                tokio::task::yield_now().await;
            }
        }
        Ok(StatusCode::NOT_FOUND.into_response())
    }

    async fn web_socket_message(&self, _: &ObjectContext, socket: &WebSocket, _: Message) -> Result<()> {
        let attached = socket.deserialize_attachment::<u64>()?;
        let flag = socket.flags().has(agents::object::Flags::bit(3));
        socket.send(&json!([socket.tags(), attached, flag]))
    }
}

/// The expected connection.
#[derive(Clone, Default)]
struct Model {
    accepted: Option<Vec<String>>,
    attached: Option<u64>,
    flag: bool,
    closed: bool,
    received: Vec<String>,
}

impl Model {
    /// Applies a step. An error is a panic.
    fn step(&mut self, step: &Step) -> Result<(), ()> {
        let open = self.accepted.is_some() && !self.closed;
        match step {
            Step::Accept(tags) if self.accepted.is_none() => self.accepted = Some(tags.clone()),
            Step::Attach(n) if open => self.attached = Some(*n),
            Step::Send(n) if open => self.received.push(n.to_string()),
            Step::Flags(on) if open => self.flag = *on,
            Step::Close if open => self.closed = true,
            Step::Transaction(steps, counts) => {
                let before = self.clone();
                steps.iter().try_for_each(|step| self.step(step))?;
                if !counts {
                    *self = before;
                }
            }
            Step::Panic => return Err(()),
            _ => {}
        }
        Ok(())
    }

    /// Runs a plan turn by turn. Returns the close code if the connection ends.
    fn run(&mut self, plan: &[Step]) -> Option<u16> {
        for turn in plan.split_inclusive(|step| matches!(step, Step::Pause)) {
            let before = self.clone();
            if turn.iter().try_for_each(|step| self.step(step)).is_err() {
                *self = before;
                return Some(match (self.closed, &self.accepted) {
                    (true, _) => 4001,
                    (false, Some(_)) => 1011,
                    (false, None) => 4500,
                });
            }
        }
        match (self.closed, &self.accepted) {
            (true, _) => Some(4001),
            (false, None) => Some(4404),
            (false, Some(_)) => None,
        }
    }
}

fn plan(random: &mut Random, depth: usize) -> Vec<Step> {
    let mut plan = Vec::new();
    for _ in 0..1 + random.below(5) {
        let tags = (0..random.below(3)).map(|n| format!("tag {n} {}", random.below(3))).collect();
        plan.push(match random.below(14) {
            0..3 => Step::Accept(tags),
            3 | 4 => Step::Attach(random.next() % 100),
            5 => Step::Send(random.next() % 100),
            6 => Step::Flags(random.flip()),
            7 if random.flip() => Step::Close,
            8 if depth == 0 => Step::Pause,
            9 if random.flip() => Step::Panic,
            _ if depth < 3 => Step::Transaction(self::plan(random, depth + 1), random.flip()),
            _ => Step::Accept(tags),
        });
    }
    plan
}

async fn check(seeds: std::ops::Range<u64>) {
    let next = Arc::new(Mutex::new(Vec::new()));
    let violations = Arc::new(Mutex::new(Vec::new()));
    let (theirs, found) = (next.clone(), violations.clone());
    let create = move |_: &ObjectContext| Scripted { plan: theirs.clone(), violations: found.clone() };
    let host =
        TestHost::start(move || Agents::new().register_object_with("scripted", create.clone())).unwrap();
    for seed in seeds {
        let plan = plan(&mut Random::new(seed), 0);
        let what = format!("seed {seed}: {plan:?}");
        let mut model = Model::default();
        let ends = model.run(&plan);
        next.lock().unwrap().clone_from(&plan);
        let object = host.object("scripted", &format!("seed-{seed}"));
        let mut client = object.connect("").await;
        for expected in &model.received {
            assert_eq!(client.next().await.text(), *expected, "{what}");
        }
        if let Some(code) = ends {
            let end = client.next().await;
            assert!(
                matches!(end, Received::Close(found, _) if found == code),
                "{what}: {end:?} instead of {code}"
            );
        } else {
            let expected = json!([model.accepted, model.attached, model.flag]);
            for _ in 0..2 {
                client.send("look").await;
                assert_eq!(client.json().await, expected, "{what}");
                object.hibernate().await.unwrap();
            }
        }
        assert_eq!(*violations.lock().unwrap(), [] as [String; 0], "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn accepts_do_as_a_model_that_undoes_everything() {
    check(0..SEEDS).await;
}
