//! Clients with random actions at random times.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use agents::axum::body::to_bytes;
use agents::testing::Faults;
use agents::testing::{Received, TestConnection, TestHost, TestObject};
use serde_json::Value;
use tokio::sync::RwLock;
use tokio::task::yield_now;
use tokio::time::sleep;

use crate::random::Random;
use crate::witness::Witness;

/// The idle time after which an object hibernates, in milliseconds.
const IDLE: u64 = 10_000;

/// The acknowledgements that the clients received.
#[derive(Clone, Default)]
pub(crate) struct Told {
    /// Numbers that a client tried to enter, with the object.
    pub(crate) tried: HashMap<u64, usize>,
    /// Acknowledged numbers: the object, the number, and the count of parts.
    pub(crate) entered: Vec<(usize, u64, u64)>,
    pub(crate) alarms: Vec<(usize, u64)>,
    /// Numbers whose work was undone, with the object.
    pub(crate) undone: Vec<(usize, u64)>,
    /// Accepted connections, with the run of the host.
    pub(crate) let_in: Vec<(u64, String)>,
}

/// The host, which may be restarted at any time.
pub(crate) struct Stage {
    pub(crate) host: RwLock<Option<TestHost>>,
    pub(crate) witness: Arc<Witness>,
    told: Mutex<Told>,
    next: AtomicU64,
    /// The number of objects.
    objects: usize,
    /// The faults of the run: restarts of the host, and failures of the disk.
    trouble: Trouble,
}

/// The actions of clients besides messages.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Trouble {
    /// Only actions that objects can do to themselves.
    None,
    Faults,
    FaultsAndRestarts,
}

/// Returns the class and the name of an object.
pub(crate) fn address(object: usize) -> (&'static str, String) {
    (if object % 3 == 2 { "room" } else { "ledger" }, format!("o{object}"))
}

impl Stage {
    pub(crate) fn new(host: TestHost, witness: &Arc<Witness>, objects: usize, trouble: Trouble) -> Arc<Self> {
        Arc::new(Self {
            host: RwLock::new(Some(host)),
            witness: witness.clone(),
            told: Mutex::default(),
            next: AtomicU64::new(1),
            objects,
            trouble,
        })
    }

    /// Returns the acknowledgements so far.
    pub(crate) fn told(&self) -> Told {
        self.told.lock().unwrap().clone()
    }

    fn try_number(&self, number: u64, object: usize) {
        self.told.lock().unwrap().tried.insert(number, object);
    }

    fn tell(&self, tell: impl FnOnce(&mut Told)) {
        tell(&mut self.told.lock().unwrap());
    }

    fn number(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    async fn restart(&self) {
        let mut host = self.host.write().await;
        let old = host.take().expect("a host");
        *host = Some(old.restart().await.expect("the host starts again"));
        self.witness.with(|seen| seen.run += 1);
    }
}

/// A message whose answer a client waits for.
#[derive(Debug)]
enum Open {
    Call { id: String, number: u64 },
    Message { text: String },
}

/// A connection of a client.
struct Line {
    socket: TestConnection,
    object: usize,
    id: String,
    run: u64,
    /// `true` once the identity frame has arrived.
    greeted: bool,
    /// The unanswered messages, in the order in which they were sent.
    open: Vec<Open>,
    /// The number of the next numbered frame.
    expected: u64,
    /// The highest state so far.
    total: u64,
}

pub(crate) struct Client {
    stage: Arc<Stage>,
    random: Random,
    name: u64,
    line: Option<Line>,
}

impl Client {
    pub(crate) fn new(stage: &Arc<Stage>, name: u64, seed: u64) -> Self {
        Self { stage: stage.clone(), random: Random::new(seed), name, line: None }
    }

    pub(crate) async fn run(mut self, steps: usize) {
        let trouble = self.stage.trouble;
        for _ in 0..steps {
            match self.random.below(20) {
                0..2 => self.connect().await,
                2 => self.leave().await,
                3 => self.request().await,
                4 => self.hibernate().await,
                5 => self.crash().await,
                6 if trouble != Trouble::None => self.fault().await,
                7 => self.pause().await,
                8 if trouble == Trouble::FaultsAndRestarts && self.random.below(4) == 0 => {
                    self.stage.restart().await
                }
                _ => self.speak().await,
            }
        }
        self.listen().await;
    }

    async fn pause(&mut self) {
        let times = [0, 1, 7, IDLE - 1, IDLE, IDLE + 1, 2 * IDLE, 35_000];
        sleep(Duration::from_millis(times[self.random.below(times.len())])).await;
    }

    /// Returns a handle to an object. The handle is not valid after a restart of the host.
    fn object(&self, host: &TestHost, object: usize) -> TestObject {
        let (class, name) = address(object);
        host.object(class, &name)
    }

    async fn connect(&mut self) {
        self.leave().await;
        let object = self.random.below(self.stage.objects);
        let stage = self.stage.clone();
        let host = stage.host.read().await;
        let run = stage.witness.with(|seen| seen.run);
        // The client sometimes reuses the id of an earlier connection.
        let panics = if self.random.below(8) == 0 { "&panic" } else { "" };
        let wanted = format!("_pk=c{}-{}{panics}", self.name, self.random.below(3));
        let host = host.as_ref().expect("a host");
        let Ok(socket) = self.object(host, object).try_connect(&wanted).await else { return };
        let line = Line {
            socket,
            object,
            id: String::new(),
            run,
            greeted: false,
            open: Vec::new(),
            expected: 0,
            total: 0,
        };
        self.line = Some(line);
    }

    /// Ends the connection with or without a close, and with or without reading before.
    async fn leave(&mut self) {
        if self.random.flip() {
            self.listen().await;
        }
        let Some(line) = self.line.take() else { return };
        if self.random.flip() {
            line.socket.close(Some((4000, "bye"))).await;
        }
    }

    async fn speak(&mut self) {
        if self.line.is_none() {
            self.connect().await;
        }
        for _ in 0..=self.random.below(3) {
            let number = self.stage.number();
            let Some(line) = &mut self.line else { return };
            let agent = address(line.object).0 == "ledger";
            let pause = [0, 1, 50, IDLE][self.random.below(4)];
            let what = self.random.below(15);
            if let 11 | 12 = what {
                // Neither message is answered.
                let order = if what == 11 { "panic" } else { "break" };
                self.stage.try_number(number, line.object);
                self.stage.tell(|told| told.undone.push((line.object, number)));
                if !line.socket.try_send(format!("{order} {number}")).await {
                    return self.end();
                }
                continue;
            }
            let open = match what {
                13 | 14 if agent => {
                    let id = number.to_string();
                    let call = serde_json::json!(
                        { "type": "rpc", "id": id, "method": "say", "args": [number, what == 13] }
                    );
                    self.stage.try_number(number, line.object);
                    if !line.socket.try_send(call.to_string()).await {
                        return self.end();
                    }
                    line.open.push(Open::Call { id, number });
                    continue;
                }
                0..3 if agent => {
                    let id = number.to_string();
                    let method = if what == 2 { "boom" } else { "add" };
                    let call =
                        serde_json::json!({ "type": "rpc", "id": id, "method": method, "args": [number] });
                    self.stage.try_number(number, line.object);
                    if !line.socket.try_send(call.to_string()).await {
                        return self.end();
                    }
                    line.open.push(Open::Call { id, number });
                    continue;
                }
                0..5 => format!("add {number}"),
                5 => format!("twice {number} {pause}"),
                6 => format!("alarm {number} {}", pause * 2),
                7 => format!("undo {number}"),
                8 => format!("task {number} {pause}"),
                _ => format!("echo {number}"),
            };
            self.stage.try_number(number, line.object);
            if !line.socket.try_send(open.clone()).await {
                return self.end();
            }
            line.open.push(Open::Message { text: open });
        }
        if self.random.below(3) > 0 {
            self.listen().await;
        }
    }

    fn end(&mut self) {
        self.line = None;
    }

    /// Reads until every message is answered, or the connection ends.
    async fn listen(&mut self) {
        let Some(mut line) = self.line.take() else { return };
        while !line.open.is_empty() || line.id.is_empty() {
            match line.socket.next().await {
                Received::Text(text) => self.heard(&mut line, &text),
                Received::Binary(_) => self.stage.witness.violated("a binary frame".to_owned()),
                Received::Close(code, _) => {
                    let agent = address(line.object).0 == "ledger";
                    if code == 1011 && agent && !line.greeted {
                        self.stage.witness.violated("closed with 1011 before the identity".to_owned());
                    }
                    if ![1001, 1011, 4500].contains(&code) {
                        self.stage.witness.violated(format!("closed with {code}"));
                    }
                    return;
                }
                Received::Dropped => return,
            }
        }
        self.line = Some(line);
    }

    fn heard(&mut self, line: &mut Line, text: &str) {
        let witness = &self.stage.witness;
        let frame: Value = serde_json::from_str(text).unwrap_or_default();
        if frame["type"] == "cf_agent_identity" {
            line.greeted = true;
        } else if let Some(count) = frame["state"]["count"].as_u64() {
            if count < line.total {
                witness.violated(format!("the state went back from {} to {count}", line.total));
            }
            line.total = count;
        } else if frame["type"] == "rpc" && frame["success"] == false {
            line.open.retain(|open| match open {
                Open::Call { id, number } if frame["id"] == *id => {
                    self.stage.tell(|told| told.undone.push((line.object, *number)));
                    false
                }
                _ => true,
            });
        } else if frame["type"] == "rpc" && frame["done"] == false {
            witness.violated(format!("a piece of an answer that was undone: {text}"));
        } else if frame["type"] == "rpc" {
            let id = frame["id"].as_str().unwrap_or_default();
            let mine = |open: &Open| matches!(open, Open::Call { .. });
            let Some(first) = line.open.iter().position(mine) else {
                return witness.violated(format!("an answer to nothing: {text}"));
            };
            match line.open.remove(first) {
                Open::Call { id: expected, number } if expected == id && frame["result"] == number => {
                    self.stage.tell(|told| told.entered.push((line.object, number, 1)));
                }
                open => witness.violated(format!("{open:?} got {text}")),
            }
        } else if let Some(number) = frame["n"].as_u64() {
            if number != line.expected {
                witness.violated(format!("frame {number} instead of {}", line.expected));
            }
            line.expected = number + 1;
            self.answered(line, frame["answer"].as_str().unwrap_or_default());
        }
    }

    fn answered(&mut self, line: &mut Line, answer: &str) {
        if let Some(id) = answer.strip_prefix("welcome ") {
            line.id = id.to_owned();
            return self.stage.tell(|told| told.let_in.push((line.run, id.to_owned())));
        }
        let witness = &self.stage.witness;
        let quick = |text: &str| !text.starts_with("twice");
        let mine = |open: &Open| matches!(open, Open::Message { text } if text == answer);
        let Some(at) = line.open.iter().position(mine) else {
            return witness.violated(format!("an answer to nothing: {answer}"));
        };
        // Only a message whose handler pauses may be overtaken.
        let overtaken =
            line.open[..at].iter().any(|open| matches!(open, Open::Message { text } if quick(text)));
        if overtaken && quick(answer) {
            witness.violated(format!("out of order: {answer}, {:?}", line.open));
        }
        line.open.remove(at);
        let mut words = answer.split(' ');
        let what = words.next();
        let number = words.next().and_then(|number| number.parse().ok()).unwrap_or_default();
        match what {
            Some("add") => self.stage.tell(|told| told.entered.push((line.object, number, 1))),
            Some("twice") => self.stage.tell(|told| told.entered.push((line.object, number, 2))),
            Some("alarm") => self.stage.tell(|told| told.alarms.push((line.object, number))),
            Some("undo") => self.stage.tell(|told| told.undone.push((line.object, number))),
            _ => {}
        }
    }

    async fn request(&mut self) {
        let object = self.random.below(self.stage.objects);
        let number = self.stage.number();
        self.stage.try_number(number, object);
        let stage = self.stage.clone();
        let host = stage.host.read().await;
        let host = host.as_ref().expect("a host");
        let response = self.object(host, object).get(&number.to_string()).await;
        let ok = response.status().is_success();
        if self.random.flip() {
            return;
        }
        match to_bytes(response.into_body(), 100).await {
            Ok(body) if ok && body == "entered" => {
                self.stage.tell(|told| told.entered.push((object, number, 1)))
            }
            Ok(body) if ok => stage.witness.violated(format!("a body of {body:?}")),
            _ => {}
        }
    }

    async fn hibernate(&mut self) {
        let stage = self.stage.clone();
        let host = stage.host.read().await;
        let object = self.random.below(self.stage.objects);
        let object = self.object(host.as_ref().expect("a host"), object);
        // The object may have been woken again before the call returns.
        let _ = object.hibernate().await;
    }

    async fn crash(&mut self) {
        let stage = self.stage.clone();
        let host = stage.host.read().await;
        let object = self.random.below(self.stage.objects);
        self.object(host.as_ref().expect("a host"), object).crash().await;
    }

    async fn fault(&mut self) {
        let host = self.stage.host.read().await;
        let faults = host.as_ref().expect("a host").faults();
        match self.random.below(6) {
            0 => faults.fail_commits(1),
            1 => faults.fail_syncs(1),
            2 => faults.fail_writes(1),
            3 => faults.fail_checkpoints(1),
            4 => faults.break_checkpoints(1),
            _ => hang(faults, self.random.below(300)),
        }
    }
}

/// Lets the disk hang for this number of turns of other tasks. The virtual time does not advance.
fn hang(faults: &Arc<Faults>, turns: usize) {
    let held = faults.hold_syncs();
    tokio::spawn(async move {
        for _ in 0..turns {
            yield_now().await;
        }
        drop(held);
    });
}
