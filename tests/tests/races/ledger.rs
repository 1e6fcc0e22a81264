//! An agent and an object that store each number in several places.
//!
//! Every turn that writes changes a row, a key and the state. If they ever disagree, a turn was torn.
//! Messages to a connection are numbered, and the number is stored with the connection.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use agents::axum::response::IntoResponse;
use agents::http::StatusCode;
use agents::object::{DurableObject, ObjectContext, WebSocket, WebSocketUpgrade};
use agents::prelude::*;
use agents_tests::since_1970;
use serde_json::Value;

use crate::witness::{BOMB, Bomb, InstanceWatch, NEVER, Owned, Witness};

/// Spawns tasks and enters a number, in a transaction that is undone.
fn undo(
    cx: &ObjectContext,
    number: u64,
    witness: &Arc<Witness>,
    answer: impl FnOnce() -> Result<()>,
) -> Result<()> {
    let undone: Result<()> = cx.sql().transaction(|_| {
        for _ in 0..2 {
            spawn(cx, 1000, witness)?;
        }
        all(cx, number)?;
        answer()?;
        Err(Error::msg("undone"))
    });
    if undone.is_ok() {
        witness.violated(format!("{number} was not undone"));
    }
    Ok(())
}

/// Enters a number and remembers an alarm. The caller undoes both.
fn all(cx: &ObjectContext, number: u64) -> Result<()> {
    enter(cx, number, 0)?;
    remember(cx, number, 1)
}

/// Breaks a constraint that is checked at the end of the turn.
fn orphan(cx: &ObjectContext) -> Result<()> {
    cx.sql().execute("INSERT INTO orphans VALUES (-1)", ()).map(drop)
}

fn spawn(cx: &ObjectContext, millis: u64, witness: &Arc<Witness>) -> Result<()> {
    let mut owned = Owned::new(cx, witness)?;
    cx.spawn(async move {
        tokio::time::sleep(Duration::from_millis(millis)).await;
        // A panic at the regular end would be a panic of the task, and the instance would be replaced beside
        // its handlers.
        owned.bomb.0 = None;
        drop(owned);
        Ok(())
    })
}

const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS entries (number INTEGER NOT NULL, part INTEGER NOT NULL);
    CREATE TABLE IF NOT EXISTS due (number INTEGER NOT NULL, at INTEGER NOT NULL);
    CREATE TABLE IF NOT EXISTS rang (number INTEGER NOT NULL);
    CREATE TABLE IF NOT EXISTS parents (id INTEGER PRIMARY KEY);
    CREATE TABLE IF NOT EXISTS orphans (parent INTEGER NOT NULL REFERENCES parents (id) DEFERRABLE INITIALLY DEFERRED);
";

/// Creates the tables once: a start without writes cannot fail, and neither can the event after it.
fn make_tables(cx: &ObjectContext) -> Result<()> {
    let tables: u64 = cx.sql().query_one("SELECT count(*) FROM sqlite_master WHERE name = 'rang'", ())?;
    if tables == 0 { cx.sql().execute_batch(TABLES) } else { Ok(()) }
}

/// The first timeout in seconds. The timeout and the auto-response follow the number of entries.
pub(crate) const LONG: u64 = 200_000;

/// Writes a row, a key and the settings.
fn enter(cx: &ObjectContext, number: u64, part: u64) -> Result<u64> {
    cx.sql().execute("INSERT INTO entries VALUES (?1, ?2)", (number, part))?;
    let count = cx.storage().get::<u64>("count")?.unwrap_or_default() + 1;
    cx.storage().put("count", &count)?;
    cx.set_web_socket_auto_response("count", count.to_string())?;
    cx.set_web_socket_event_timeout(Some(Duration::from_secs(LONG + count)))?;
    Ok(count)
}

/// Remembers an alarm, and sets the earliest one.
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

/// Notes all alarms that are due, and sets the alarm for the others.
fn count_alarm(cx: &ObjectContext, alarm: &AlarmInfo, witness: &Witness) -> Result<()> {
    let now = cx.now();
    let at = since_1970(alarm.scheduled_time);
    if at > now {
        witness.violated(format!("an alarm for {at} rang at {now}"));
    }
    cx.sql().execute("INSERT INTO rang SELECT number FROM due WHERE at <= ?1", (now,))?;
    cx.sql().execute("DELETE FROM due WHERE at <= ?1", (now,))?;
    set_next(cx)
}

/// Returns all stored data of an object.
fn books(cx: &ObjectContext) -> Result<Value> {
    let entries: Vec<(u64, u64)> = cx.sql().query("SELECT number, part FROM entries", ())?;
    let rang: Vec<u64> = cx.sql().query("SELECT number FROM rang", ())?;
    let due: Vec<u64> = cx.sql().query("SELECT number FROM due", ())?;
    let count = cx.storage().get::<u64>("count")?.unwrap_or_default();
    Ok(json!({
        "entries": entries,
        "rang": rang,
        "due": due,
        "count": count,
        "alarm": cx.get_alarm()?.map(since_1970),
        "response": cx.get_web_socket_auto_response().map(|(_, response)| response),
        "timeout": cx.get_web_socket_event_timeout().map(|timeout| timeout.as_secs()),
    }))
}

/// An order in a plain message of a client.
enum Order {
    Add(u64),
    /// Adds in two turns with a pause.
    AddTwice(u64, u64),
    Alarm(u64, u64),
    /// Adds in a transaction that is undone.
    Undo(u64),
    /// Adds in a turn that panics, or breaks a constraint.
    Panic(u64),
    Break(u64),
    /// Spawns a task that takes some time.
    Task(u64),
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
            "undo" => Some(Self::Undo(number()?)),
            "panic" => Some(Self::Panic(number()?)),
            "break" => Some(Self::Break(number()?)),
            "task" => {
                number()?;
                Some(Self::Task(number()?))
            }
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
    watch: InstanceWatch,
    _bomb: Bomb,
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
        self.watch.started = true;
        Ok(())
    }

    #[hook]
    fn on_connect(&self, conn: &Connection<Self>) -> Result<()> {
        self.watch.check_started();
        self.watch.witness.connect(conn.id());
        if conn.uri().is_some_and(|uri| uri.ends_with("panic")) {
            self.watch.ends();
            self.answer(conn, NEVER)?;
            panic!("{BOMB}");
        }
        self.answer(conn, &format!("welcome {}", conn.id()))
    }

    #[hook]
    async fn on_message(&self, cx: &Context<Self>, from: &Connection<Self>, message: Message) -> Result<()> {
        self.watch.check_started();
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
            Some(Order::Undo(number)) => {
                undo(cx.object(), number, &self.watch.witness, || self.answer(from, NEVER))?;
            }
            Some(Order::Panic(number)) => {
                self.watch.ends();
                self.enter(cx, number, 0)?;
                all(cx.object(), number)?;
                self.answer(from, NEVER)?;
                self.answer(from, NEVER)?;
                panic!("{BOMB}");
            }
            Some(Order::Break(number)) => {
                self.watch.ends();
                self.enter(cx, number, 0)?;
                self.answer(from, NEVER)?;
                return orphan(cx.object());
            }
            Some(Order::Task(millis)) => spawn(cx.object(), millis, &self.watch.witness)?,
            _ => {}
        }
        self.answer(from, text)
    }

    #[hook]
    fn on_close(&self, conn: &Connection<Self>) {
        self.watch.check_started();
        self.watch.witness.close(conn.id());
    }

    #[hook]
    fn on_alarm(&self, cx: &Context<Self>, alarm: AlarmInfo) -> Result<()> {
        self.watch.check_started();
        count_alarm(cx.object(), &alarm, &self.watch.witness)
    }

    #[hook]
    fn on_request(&self, cx: &Context<Self>, request: Request) -> Result<String> {
        self.watch.check_started();
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
        self.watch.check_started();
        self.enter(cx, number, 0)?;
        Ok(number)
    }

    /// Sends and ends an answer in a transaction or in a turn that panics, which undoes both. After the
    /// transaction, returns the final answer.
    #[callable]
    fn say(
        &self,
        cx: &Context<Self>,
        out: &StreamingResponse<u64>,
        number: u64,
        panics: bool,
    ) -> Result<u64> {
        let say = || {
            self.enter(cx, number, 0)?;
            out.send(number)?;
            out.end(number)
        };
        if panics {
            self.watch.ends();
            say()?;
            panic!("{BOMB}");
        }
        let undone: Result<()> = cx.sql().transaction(|_| {
            say()?;
            Err(Error::msg("undone"))
        });
        if undone.is_ok() {
            self.watch.witness.violated(format!("{number} was not undone"));
        }
        self.enter(cx, number, 0)?;
        Ok(number)
    }

    /// Enters a number and panics.
    #[callable]
    fn boom(&self, cx: &Context<Self>, number: u64) -> Result<u64> {
        spawn(cx.object(), 1000, &self.watch.witness)?;
        self.enter(cx, number, 0)?;
        self.watch.ends();
        panic!("{BOMB}");
    }

    #[callable]
    fn books(&self, cx: &Context<Self>) -> Result<Value> {
        let mut books = books(cx.object())?;
        books["state"] = json!(cx.state()?.count);
        Ok(books)
    }
}

/// The same as a plain object. Its state is a second key.
pub(crate) struct Room {
    watch: InstanceWatch,
    _bomb: Bomb,
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
        self.watch.started = true;
        Ok(())
    }

    async fn fetch(&self, cx: &ObjectContext, mut request: Request) -> Result<Response> {
        self.watch.check_started();
        if let Some(upgrade) = WebSocketUpgrade::take(&mut request) {
            self.watch.witness.connect(upgrade.id());
            let panics = request.uri().query().is_some_and(|query| query.ends_with("panic"));
            let socket = cx.accept_web_socket(upgrade, ["all"])?;
            if panics {
                self.watch.ends();
                self.answer(&socket, NEVER)?;
                panic!("{BOMB}");
            }
            self.answer(&socket, &format!("welcome {}", socket.id()))?;
            return Ok(StatusCode::SWITCHING_PROTOCOLS.into_response());
        }
        if let Some(number) = request.uri().query().and_then(|query| query.parse().ok()) {
            self.enter(cx, number, 0)?;
        }
        Ok("entered".into_response())
    }

    async fn web_socket_message(&self, cx: &ObjectContext, from: &WebSocket, message: Message) -> Result<()> {
        self.watch.check_started();
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
            Some(Order::Undo(number)) => undo(cx, number, &self.watch.witness, || self.answer(from, NEVER))?,
            Some(Order::Panic(number)) => {
                self.watch.ends();
                self.enter(cx, number, 0)?;
                all(cx, number)?;
                self.answer(from, NEVER)?;
                self.answer(from, NEVER)?;
                panic!("{BOMB}");
            }
            Some(Order::Break(number)) => {
                self.watch.ends();
                self.enter(cx, number, 0)?;
                self.answer(from, NEVER)?;
                return orphan(cx);
            }
            Some(Order::Task(millis)) => spawn(cx, millis, &self.watch.witness)?,
            _ => {}
        }
        self.answer(from, text)
    }

    async fn web_socket_close(&self, _: &ObjectContext, socket: &WebSocket, _: Close) -> Result<()> {
        self.watch.check_started();
        self.watch.witness.close(socket.id());
        Ok(())
    }

    async fn alarm(&self, cx: &ObjectContext, alarm: AlarmInfo) -> Result<()> {
        self.watch.check_started();
        count_alarm(cx, &alarm, &self.watch.witness)
    }

    async fn hibernate(&self, cx: &ObjectContext) -> Result<()> {
        cx.storage().put("slept", &true)
    }
}

/// Returns a program with both classes.
pub(crate) fn program(witness: &Arc<Witness>) -> Agents {
    let (for_agents, for_objects) = (witness.clone(), witness.clone());
    Agents::new()
        .register_with::<Ledger>(move |info| Ledger {
            watch: InstanceWatch::new(&for_agents, format!("ledger {}", info.name)),
            _bomb: Bomb(Some(for_agents.clone())),
        })
        .register_object_with("room", move |cx: &ObjectContext| Room {
            watch: InstanceWatch::new(&for_objects, format!("room {}", cx.name())),
            _bomb: Bomb(Some(for_objects.clone())),
        })
}
