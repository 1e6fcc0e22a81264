//! An object that reports its handlers, and waits where a test needs it to.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use agents::axum::body::Body;
use agents::axum::response::IntoResponse;
use agents::bytes::Bytes;
use agents::http::StatusCode;
use agents::object::AlarmInfo;
use agents::object::{DurableObject, ObjectContext, Request, Response, WebSocket, WebSocketUpgrade};
use agents::testing::{TestHost, TestObject};
use agents::{Agents, Close, Error, Message, Result};
use agents_tests::{Notes, Recorder, recorder, since_1970};
use serde_json::json;
use tokio::sync::Semaphore;

/// The connection between the activations of an object and their test.
pub(crate) struct Stage {
    notes: Recorder,
    /// The number of times that `start`, `hibernate` and other handlers may continue. Handlers that are not
    /// listed do not wait.
    gates: HashMap<&'static str, Semaphore>,
    /// The number of next starts that fail.
    failures: AtomicUsize,
    live: AtomicUsize,
}

impl Stage {
    /// Lets this number of handlers of a kind continue.
    pub(crate) fn open(&self, gate: &str, times: usize) {
        self.gates[gate].add_permits(times);
    }

    pub(crate) fn fail_starts(&self, times: usize) {
        self.failures.store(times, Ordering::SeqCst);
    }

    pub(crate) fn note(&self, note: impl Into<String>) {
        self.notes.note(note.into());
    }

    async fn pass(&self, gate: &str) -> Result<()> {
        if let Some(gate) = self.gates.get(gate) {
            gate.acquire().await?.forget();
        }
        Ok(())
    }
}

/// Starts a host with the class `actor`, whose handlers wait at these gates.
pub(crate) fn host(gates: &[&'static str]) -> (TestHost, TestObject, Arc<Stage>, Notes) {
    host_in(None, gates)
}

/// Starts a host as [`host`] does, on a folder that is kept.
pub(crate) fn host_in(
    data: Option<&Path>,
    gates: &[&'static str],
) -> (TestHost, TestObject, Arc<Stage>, Notes) {
    let (notes, read) = recorder();
    let stage = Arc::new(Stage {
        notes,
        gates: gates.iter().map(|gate| (*gate, Semaphore::new(0))).collect(),
        failures: AtomicUsize::new(0),
        live: AtomicUsize::new(0),
    });
    let theirs = stage.clone();
    let program = move || {
        let stage = theirs.clone();
        Agents::new().register_object_with("actor", move |_| Actor::new(stage.clone()))
    };
    let host = match data {
        Some(data) => TestHost::start_in(data, program),
        None => TestHost::start(program),
    };
    let host = host.unwrap();
    let object = host.object("actor", "one");
    (host, object, stage, read)
}

pub(crate) struct Actor {
    stage: Arc<Stage>,
}

impl Actor {
    fn new(stage: Arc<Stage>) -> Self {
        assert_eq!(stage.live.fetch_add(1, Ordering::SeqCst), 0, "two instances at once");
        Self { stage }
    }
}

impl Drop for Actor {
    fn drop(&mut self) {
        self.stage.live.fetch_sub(1, Ordering::SeqCst);
    }
}

impl DurableObject for Actor {
    async fn start(&mut self, cx: &ObjectContext) -> Result<()> {
        self.stage.note("start");
        self.stage.pass("start").await?;
        let failures = &self.stage.failures;
        if failures.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok() {
            return Err(Error::msg("no start today"));
        }
        cx.sql().execute("CREATE TABLE IF NOT EXISTS notes (note TEXT NOT NULL)", ())?;
        Ok(())
    }

    async fn fetch(&self, cx: &ObjectContext, mut request: Request) -> Result<Response> {
        if let Some(upgrade) = WebSocketUpgrade::take(&mut request) {
            self.stage.note(format!("connect {}", upgrade.id()));
            cx.accept_web_socket(upgrade, ["all"])?.send("welcome")?;
            return Ok(StatusCode::SWITCHING_PROTOCOLS.into_response());
        }
        self.stage.note("request");
        if request.uri().query() != Some("stream") {
            return Ok("here".into_response());
        }
        let stage = self.stage.clone();
        let chunks = futures_util::stream::unfold(0, move |number| {
            let stage = stage.clone();
            async move {
                if number == 3 {
                    return None;
                }
                stage.pass("chunk").await.ok()?;
                Some((Ok::<_, std::io::Error>(Bytes::from(format!("{number} "))), number + 1))
            }
        });
        Ok(Body::from_stream(chunks).into_response())
    }

    async fn web_socket_message(&self, cx: &ObjectContext, from: &WebSocket, message: Message) -> Result<()> {
        let text = message.text().unwrap_or_default();
        self.stage.note(format!("message {text}"));
        match text.split_once(' ').unwrap_or((text, "")) {
            // Sends this number of long messages at once.
            ("flood", count) => {
                for number in 0..count.parse()? {
                    from.send(format!("{number} {}", "x".repeat(10_000)))?;
                }
                Ok(())
            }
            ("write", note) => {
                cx.sql().execute("INSERT INTO notes VALUES (?1)", (note,))?;
                from.send(format!("wrote {note}"))
            }
            ("read", _) => {
                let notes: Vec<String> = cx.sql().query("SELECT note FROM notes ORDER BY rowid", ())?;
                from.send(&json!(notes))
            }
            ("alarm", millis) => {
                cx.set_alarm(Duration::from_millis(millis.parse()?))?;
                from.send("set")
            }
            ("wait", _) => {
                self.stage.pass("wait").await?;
                from.send("waited")
            }
            _ => from.send(format!("got {text}")),
        }
    }

    async fn web_socket_close(&self, _: &ObjectContext, socket: &WebSocket, close: Close) -> Result<()> {
        self.stage.note(format!("close {} {}", socket.id(), close.code));
        Ok(())
    }

    async fn alarm(&self, cx: &ObjectContext, alarm: AlarmInfo) -> Result<()> {
        assert!(since_1970(alarm.scheduled_time) <= cx.now());
        self.stage.note("alarm");
        self.stage.pass("alarm").await?;
        if self.stage.gates.contains_key("slow alarm") {
            tokio::time::sleep(Duration::from_secs(3)).await;
        }
        cx.sql().execute("INSERT INTO notes VALUES ('rang')", ())?;
        cx.get_web_sockets().send("rang")
    }

    async fn hibernate(&self, _: &ObjectContext) -> Result<()> {
        self.stage.note("hibernate");
        self.stage.pass("hibernate").await?;
        self.stage.note("asleep");
        Ok(())
    }
}
