//! An agent that keeps books, an object that does the same, and what both say to their test.
//!
//! Every turn that writes writes a row, a key and the state; they agree at any time or a turn was
//! torn. What is sent to a connection is numbered, and the number is kept with the connection.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, UNIX_EPOCH};

use agents::axum::response::IntoResponse;
use agents::http::StatusCode;
use agents::object::{DurableObject, ObjectContext, WebSocket, WebSocketUpgrade};
use agents::prelude::*;
use agents_tests::since_1970;
use serde_json::Value;

/// What all lives of all objects tell their test.
#[derive(Default)]
pub(crate) struct Witness(Mutex<Seen>);

#[derive(Default)]
pub(crate) struct Seen {
    live: HashMap<String, usize>,
    /// How often connects and closes were heard of a connection.
    pub(crate) connects: HashMap<(u64, String), usize>,
    pub(crate) closes: HashMap<(u64, String), usize>,
    /// The run of the host.
    pub(crate) run: u64,
    pub(crate) violations: Vec<String>,
}

impl Witness {
    pub(crate) fn with<R>(&self, work: impl FnOnce(&mut Seen) -> R) -> R {
        work(&mut self.0.lock().unwrap())
    }

    pub(crate) fn violated(&self, what: String) {
        self.with(|seen| seen.violations.push(what));
    }

    /// Panics with everything that was violated.
    pub(crate) fn check(&self) {
        let violations = self.with(|seen| std::mem::take(&mut seen.violations));
        assert!(violations.is_empty(), "{violations:#?}");
    }

    pub(crate) fn live(&self) -> usize {
        self.with(|seen| seen.live.values().sum())
    }

    fn connect(&self, id: &str) {
        self.with(|seen| *seen.connects.entry((seen.run, id.to_owned())).or_default() += 1);
    }

    fn close(&self, id: &str) {
        self.with(|seen| *seen.closes.entry((seen.run, id.to_owned())).or_default() += 1);
    }
}

/// One instance: from its making to its drop.
struct Life {
    witness: Arc<Witness>,
    who: String,
    started: bool,
}

impl Life {
    fn new(witness: &Arc<Witness>, who: String) -> Self {
        let live = witness.with(|seen| {
            let live = seen.live.entry(who.clone()).or_default();
            *live += 1;
            *live
        });
        if live != 1 {
            witness.violated(format!("{live} instances of {who} at once"));
        }
        Self { witness: witness.clone(), who, started: false }
    }

    fn check_started(&self) {
        if !self.started {
            self.witness.violated(format!("{} does something before it has started", self.who));
        }
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        self.witness.with(|seen| *seen.live.entry(self.who.clone()).or_default() -= 1);
    }
}

const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS entries (number INTEGER NOT NULL, part INTEGER NOT NULL);
    CREATE TABLE IF NOT EXISTS due (number INTEGER NOT NULL, at INTEGER NOT NULL);
    CREATE TABLE IF NOT EXISTS rang (number INTEGER NOT NULL);
";

/// Makes the tables once: a start that writes nothing cannot fail, and the event behind it not either.
fn make_tables(cx: &ObjectContext) -> Result<()> {
    let tables: u64 = cx.sql().query_one("SELECT count(*) FROM sqlite_master WHERE name = 'rang'", ())?;
    if tables == 0 { cx.sql().execute_batch(TABLES) } else { Ok(()) }
}

/// Writes a row and a key.
fn enter(cx: &ObjectContext, number: u64, part: u64) -> Result<u64> {
    cx.sql().execute("INSERT INTO entries VALUES (?1, ?2)", (number, part))?;
    let count = cx.storage().get::<u64>("count")?.unwrap_or_default() + 1;
    cx.storage().put("count", &count)?;
    Ok(count)
}

/// Remembers an alarm; the earliest one is set.
fn remember(cx: &ObjectContext, number: u64, millis: u64) -> Result<()> {
    let at = cx.now() + millis;
    cx.sql().execute("INSERT INTO due VALUES (?1, ?2)", (number, at))?;
    set_next(cx)
}

fn set_next(cx: &ObjectContext) -> Result<()> {
    match cx.sql().query_optional("SELECT at FROM due ORDER BY at LIMIT 1", ())? {
        Some(at) => cx.set_alarm(UNIX_EPOCH + Duration::from_millis(at)),
        None => Ok(()),
    }
}

/// Notes what was due, and sets the alarm for the rest.
fn ring(cx: &ObjectContext, alarm: &AlarmInfo, witness: &Witness) -> Result<()> {
    let now = cx.now();
    let at = since_1970(alarm.scheduled_time);
    if at > now {
        witness.violated(format!("an alarm for {at} rang at {now}"));
    }
    cx.sql().execute("INSERT INTO rang SELECT number FROM due WHERE at <= ?1", (now,))?;
    cx.sql().execute("DELETE FROM due WHERE at <= ?1", (now,))?;
    set_next(cx)
}

/// Everything that an object stored.
fn books(cx: &ObjectContext) -> Result<Value> {
    let entries: Vec<(u64, u64)> = cx.sql().query("SELECT number, part FROM entries", ())?;
    let rang: Vec<u64> = cx.sql().query("SELECT number FROM rang", ())?;
    let due: Vec<u64> = cx.sql().query("SELECT number FROM due", ())?;
    let count = cx.storage().get::<u64>("count")?.unwrap_or_default();
    Ok(
        json!({ "entries": entries, "rang": rang, "due": due, "count": count, "alarm": cx.get_alarm()?.map(since_1970) }),
    )
}

/// What a client asks for in a plain message.
enum Order {
    Add(u64),
    /// In two turns with a pause.
    AddTwice(u64, u64),
    Alarm(u64, u64),
    Echo,
}

impl Order {
    fn read(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        let what = words.next()?;
        let mut number = || words.next()?.parse().ok();
        match what {
            "add" => Some(Self::Add(number()?)),
            "twice" => Some(Self::AddTwice(number()?, number()?)),
            "alarm" => Some(Self::Alarm(number()?, number()?)),
            _ => Some(Self::Echo),
        }
    }
}

#[wire]
#[derive(Clone, Default)]
pub(crate) struct Total {
    pub(crate) count: u64,
}

#[wire]
#[derive(Clone, Default)]
pub(crate) struct Sent {
    number: u64,
}

#[agent(state = Total, connection = Sent)]
pub(crate) struct Ledger {
    life: Life,
}

impl Ledger {
    fn enter(&self, cx: &Context<Self>, number: u64, part: u64) -> Result<u64> {
        let count = enter(cx.object(), number, part)?;
        cx.update_state(|state| state.count += 1)?;
        Ok(count)
    }

    fn answer(&self, to: &Connection<Self>, text: &str) -> Result<()> {
        let number = to.try_state()?.map_or(0, |sent| sent.number);
        to.set_state(Sent { number: number + 1 })?;
        to.send(&json!({ "n": number, "answer": text }))
    }
}

#[agent]
impl Ledger {
    #[hook]
    fn on_start(&mut self, cx: &Context<Self>) -> Result<()> {
        make_tables(cx.object())?;
        self.life.started = true;
        Ok(())
    }

    #[hook]
    fn on_connect(&self, conn: &Connection<Self>) -> Result<()> {
        self.life.check_started();
        self.life.witness.connect(conn.id());
        self.answer(conn, &format!("welcome {}", conn.id()))
    }

    #[hook]
    async fn on_message(&self, cx: &Context<Self>, from: &Connection<Self>, message: Message) -> Result<()> {
        self.life.check_started();
        let text = message.text().unwrap_or_default();
        match Order::read(text) {
            Some(Order::Add(number)) => {
                self.enter(cx, number, 0)?;
            }
            Some(Order::AddTwice(number, millis)) => {
                self.enter(cx, number, 0)?;
                tokio::time::sleep(Duration::from_millis(millis)).await;
                self.enter(cx, number, 1)?;
            }
            Some(Order::Alarm(number, millis)) => remember(cx.object(), number, millis)?,
            _ => {}
        }
        self.answer(from, text)
    }

    #[hook]
    fn on_close(&self, conn: &Connection<Self>) {
        self.life.check_started();
        self.life.witness.close(conn.id());
    }

    #[hook]
    fn on_alarm(&self, cx: &Context<Self>, alarm: AlarmInfo) -> Result<()> {
        self.life.check_started();
        ring(cx.object(), &alarm, &self.life.witness)
    }

    #[hook]
    fn on_request(&self, cx: &Context<Self>, request: Request) -> Result<String> {
        self.life.check_started();
        let number = request.uri().query().and_then(|query| query.parse().ok());
        if let Some(number) = number {
            self.enter(cx, number, 0)?;
        }
        Ok("entered".to_owned())
    }

    #[hook]
    fn on_hibernate(&self, cx: &Context<Self>) -> Result<()> {
        cx.storage().put("slept", &true)
    }

    #[callable]
    fn add(&self, cx: &Context<Self>, number: u64) -> Result<u64> {
        self.life.check_started();
        self.enter(cx, number, 0)?;
        Ok(number)
    }

    #[callable]
    fn books(&self, cx: &Context<Self>) -> Result<Value> {
        let mut books = books(cx.object())?;
        books["state"] = json!(cx.state()?.count);
        Ok(books)
    }
}

/// The same as a plain object; its state is a second key.
pub(crate) struct Room {
    life: Life,
}

impl Room {
    fn enter(&self, cx: &ObjectContext, number: u64, part: u64) -> Result<()> {
        let count = enter(cx, number, part)?;
        cx.storage().put("state", &count)
    }

    fn answer(&self, to: &WebSocket, text: &str) -> Result<()> {
        let number = to.deserialize_attachment::<u64>()?.unwrap_or_default();
        to.serialize_attachment(&(number + 1))?;
        to.send(&json!({ "n": number, "answer": text }))
    }
}

impl DurableObject for Room {
    async fn start(&mut self, cx: &ObjectContext) -> Result<()> {
        make_tables(cx)?;
        tokio::task::yield_now().await;
        self.life.started = true;
        Ok(())
    }

    async fn fetch(&self, cx: &ObjectContext, mut request: Request) -> Result<Response> {
        self.life.check_started();
        if let Some(upgrade) = WebSocketUpgrade::take(&mut request) {
            self.life.witness.connect(upgrade.id());
            let socket = cx.accept_web_socket(upgrade, ["all"])?;
            self.answer(&socket, &format!("welcome {}", socket.id()))?;
            return Ok(StatusCode::SWITCHING_PROTOCOLS.into_response());
        }
        if let Some(number) = request.uri().query().and_then(|query| query.parse().ok()) {
            self.enter(cx, number, 0)?;
        }
        Ok("entered".into_response())
    }

    async fn web_socket_message(&self, cx: &ObjectContext, from: &WebSocket, message: Message) -> Result<()> {
        self.life.check_started();
        let text = message.text().unwrap_or_default();
        if text == "books" {
            let mut books = books(cx)?;
            books["state"] = json!(cx.storage().get::<u64>("state")?.unwrap_or_default());
            return from.send(&books);
        }
        match Order::read(text) {
            Some(Order::Add(number)) => self.enter(cx, number, 0)?,
            Some(Order::AddTwice(number, millis)) => {
                self.enter(cx, number, 0)?;
                tokio::time::sleep(Duration::from_millis(millis)).await;
                self.enter(cx, number, 1)?;
            }
            Some(Order::Alarm(number, millis)) => remember(cx, number, millis)?,
            _ => {}
        }
        self.answer(from, text)
    }

    async fn web_socket_close(&self, _: &ObjectContext, socket: &WebSocket, _: Close) -> Result<()> {
        self.life.check_started();
        self.life.witness.close(socket.id());
        Ok(())
    }

    async fn alarm(&self, cx: &ObjectContext, alarm: AlarmInfo) -> Result<()> {
        self.life.check_started();
        ring(cx, &alarm, &self.life.witness)
    }

    async fn hibernate(&self, cx: &ObjectContext) -> Result<()> {
        cx.storage().put("slept", &true)
    }
}

/// A program with both classes.
pub(crate) fn program(witness: &Arc<Witness>) -> Agents {
    let (for_agents, for_objects) = (witness.clone(), witness.clone());
    Agents::new()
        .register_with::<Ledger>(move |info| Ledger {
            life: Life::new(&for_agents, format!("ledger {}", info.name)),
        })
        .register_object_with("room", move |cx: &ObjectContext| Room {
            life: Life::new(&for_objects, format!("room {}", cx.name())),
        })
}
