//! The start of an agent: it runs once, before all other handlers, with properties, from stored data.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use agents::prelude::*;
use agents_tests::{Received, Recorder, TestServer, recorder};
use futures_util::future::join_all;
use serde_json::Value;
use tokio::sync::Semaphore;

use crate::support::response_text::{error_body, get};

/// The signal that a start waits for, and the recorder of its notes.
struct Gate {
    recorder: Recorder,
    open: Semaphore,
}

#[agent(env = Arc<Gate>)]
#[derive(Default)]
struct Gated {
    computed: String,
}

#[agent]
impl Gated {
    #[hook]
    async fn on_start(&mut self, cx: &Context<Self>) -> Result<()> {
        let gate = cx.env();
        gate.recorder.note("start begins");
        let _pass = gate.open.acquire().await?;
        self.computed = format!("computed for {}", cx.name());
        gate.recorder.note("start ends");
        Ok(())
    }

    #[hook]
    fn on_connect(&self, cx: &Context<Self>, conn: &Connection<Self>) -> Result<()> {
        cx.env().recorder.note("connect");
        conn.send(&self.computed)
    }

    #[hook]
    fn on_message(&self, cx: &Context<Self>, message: Message) {
        cx.env().recorder.note(message.text().unwrap_or("binary"));
    }

    #[hook]
    fn on_request(&self, cx: &Context<Self>, _request: Request) -> String {
        cx.env().recorder.note("request");
        self.computed.clone()
    }
}

#[tokio::test]
async fn s1_s2_start_runs_once_before_any_connection() {
    let (recorder, mut notes) = recorder();
    let gate = Arc::new(Gate { recorder, open: Semaphore::new(0) });
    let server = TestServer::start(Agents::new().register::<Gated>().env(gate.clone())).await;

    // The handshakes are answered while the agent is still starting.
    let sockets = (0..50).map(|_| server.connect("/agents/gated/one"));
    let mut sockets = join_all(sockets).await;
    assert_eq!(notes.next().await, "start begins");
    assert_eq!(notes.so_far(), Vec::<Value>::new());

    gate.open.add_permits(1);
    for socket in &mut sockets {
        socket.greeting(false).await;
        assert_eq!(socket.next().await.text(), "computed for one");
    }
    let mut expected = vec![json!("start ends")];
    expected.resize(51, json!("connect"));
    assert_eq!(notes.so_far(), expected);
}

#[tokio::test]
async fn s2_messages_and_requests_wait_for_the_start() {
    let (recorder, mut notes) = recorder();
    let gate = Arc::new(Gate { recorder, open: Semaphore::new(0) });
    let agents = Agents::new().register::<Gated>().env(gate.clone());
    let server = TestServer::start_resident(agents, "it counts starts").await;

    let mut early = server.connect("/agents/gated/two").await;
    early.send("early").await;
    let open_the_gate = async {
        assert_eq!(notes.next().await, "start begins");
        gate.open.add_permits(1);
    };
    let (answer, ()) = tokio::join!(get(&server, "/agents/gated/two"), open_the_gate);
    assert_eq!(answer, (200, "computed for two".to_owned()));

    early.greeting(false).await;
    assert_eq!(early.next().await.text(), "computed for two");
    assert_eq!(early.drain().await, []);
    let noted = notes.so_far();
    assert_eq!(noted[0], "start ends", "{noted:?}");
    assert_eq!(noted.len(), 4, "{noted:?}");
    let place = |what: &str| noted.iter().position(|note| note == what).expect(what);
    assert!(place("connect") < place("early"), "{noted:?}");
}

/// An agent that starts only while the switch is on.
#[agent(env = Arc<AtomicBool>)]
#[derive(Default)]
struct Moody;

#[agent]
impl Moody {
    #[hook]
    fn on_start(&mut self, cx: &Context<Self>) -> Result<()> {
        match cx.env().load(Ordering::Relaxed) {
            true => Ok(()),
            false if cx.name() == "panics" => panic!("secret of the panic"),
            false => Err(Error::msg("not today")),
        }
    }

    #[hook]
    fn on_request(&self, _request: Request) -> &'static str {
        "fine"
    }

    #[callable]
    fn fall(&self) {
        panic!("a panic, so that the instance is replaced");
    }

    #[callable]
    fn stand(&self) -> String {
        "standing".to_owned()
    }
}

#[tokio::test]
async fn s2_a_failed_start_fails_its_event_and_the_next_one_tries_again() {
    let switch = Arc::new(AtomicBool::new(false));
    let server = TestServer::start(Agents::new().register::<Moody>().env(switch.clone())).await;
    for _ in 0..2 {
        let mut client = server.connect("/agents/moody/one").await;
        // The close is final, because the client has no identity yet.
        assert_eq!(client.next().await, Received::Close(4500, "not today".to_owned()));
        assert_eq!(get(&server, "/agents/moody/one").await, (500, error_body("error", "not today")));
    }
    let mut client = server.connect("/agents/moody/panics").await;
    let Received::Close(4500, reason) = client.next().await else { panic!("no close with 4500") };
    assert!(reason.starts_with("Internal error (id "), "{reason}");

    switch.store(true, Ordering::Relaxed);
    for name in ["one", "panics"] {
        assert_eq!(get(&server, &format!("/agents/moody/{name}")).await, (200, "fine".to_owned()));
    }
    // An open connection stays open while its agent cannot be started.
    let mut client = server.join("/agents/moody/one", false).await;
    let error = client.call_error("fall", json!([])).await;
    assert!(error.starts_with("Internal error (id "), "{error}");
    switch.store(false, Ordering::Relaxed);
    assert_eq!(client.call_error("stand", json!([])).await, "not today");
    assert_eq!(client.call_error("stand", json!([])).await, "not today");
    switch.store(true, Ordering::Relaxed);
    assert_eq!(client.call("stand", json!([])).await, "standing");
}

#[wire]
#[derive(Clone)]
struct Plan {
    motto: String,
}

#[agent(props = Plan)]
#[derive(Default)]
struct Planned {
    given: Option<Plan>,
}

#[agent]
impl Planned {
    #[hook]
    fn on_start(&mut self, props: Option<Plan>) {
        self.given = props;
    }

    #[callable]
    fn motto(&self) -> Option<String> {
        self.given.as_ref().map(|plan| plan.motto.clone())
    }
}

#[tokio::test]
async fn s3_start_is_given_the_properties_of_the_creator() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let host = Agents::new().register::<Planned>().props::<Planned>(move |info| {
        count.fetch_add(1, Ordering::Relaxed);
        (info.name != "bare").then(|| Plan { motto: format!("first for {}", info.name) })
    });
    let folder = tempfile::tempdir().expect("a folder");
    let server = TestServer::start_in(host, folder.path()).await;
    let mut client = server.join("/agents/planned/one", false).await;
    assert_eq!(client.call("motto", json!([])).await, "first for one");
    // An agent that is awake is not started again, and its creator is not called.
    let mut second = server.join("/agents/planned/one", false).await;
    assert_eq!(second.call("motto", json!([])).await, "first for one");
    assert_eq!(asked.load(Ordering::Relaxed), 1);
    let mut bare = server.join("/agents/planned/bare", false).await;
    assert_eq!(bare.call("motto", json!([])).await, json!(null));
    drop((client, second, bare));
    server.shutdown().await;

    // The properties belong to the agent: another program does not change them.
    let host = Agents::new().register::<Planned>();
    let host = host.props::<Planned>(|info| Some(Plan { motto: format!("second for {}", info.name) }));
    let server = TestServer::start_in(host, folder.path()).await;
    let mut client = server.join("/agents/planned/one", false).await;
    assert_eq!(client.call("motto", json!([])).await, "first for one");
    let mut fresh = server.join("/agents/planned/fresh", false).await;
    assert_eq!(fresh.call("motto", json!([])).await, "second for fresh");
}

#[agent]
#[derive(Default)]
struct Dictionary {
    words: Mutex<BTreeMap<String, String>>,
}

#[agent]
impl Dictionary {
    #[hook]
    fn on_start(&mut self, cx: &Context<Self>) -> Result<()> {
        sql!(cx, "CREATE TABLE IF NOT EXISTS words (word TEXT PRIMARY KEY, meaning TEXT NOT NULL)")?;
        sql!(cx, "CREATE TABLE IF NOT EXISTS starts (at INTEGER NOT NULL)")?;
        sql!(cx, "INSERT INTO starts (at) VALUES ({cx.now()})")?;
        let rows: Vec<(String, String)> = sql!(cx, "SELECT word, meaning FROM words")?;
        self.words = Mutex::new(rows.into_iter().collect());
        Ok(())
    }

    #[callable]
    fn define(&self, cx: &Context<Self>, word: String, meaning: String) -> Result<()> {
        sql!(cx, "INSERT INTO words (word, meaning) VALUES ({word}, {meaning})")?;
        self.remember(word, meaning);
        Ok(())
    }

    #[callable]
    fn whisper(&self, word: String, meaning: String) {
        self.remember(word, meaning);
    }

    #[callable]
    fn known(&self) -> BTreeMap<String, String> {
        self.words.lock().expect("no panic").clone()
    }

    #[callable]
    fn starts(&self, cx: &View<Self>) -> Result<i64> {
        sql!(cx, "SELECT count(*) FROM starts")
    }

    fn remember(&self, word: String, meaning: String) {
        self.words.lock().expect("no panic").insert(word, meaning);
    }
}

async fn dictionary(data: &Path) -> TestServer {
    let agents = Agents::new().register::<Dictionary>();
    TestServer::start_resident_in(agents, data, "it counts starts, and what is whispered is in memory").await
}

#[tokio::test]
async fn s4_start_rebuilds_memory_from_the_database() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = dictionary(folder.path()).await;
    let mut client = server.join("/agents/dictionary/en", false).await;
    client.call("define", json!(["turn", "one poll of a handler"])).await;
    client.call("define", json!(["gate", "what a frame waits at"])).await;
    client.call("whisper", json!(["rumour", "only in memory"])).await;
    let known = client.call("known", json!([])).await;
    assert_eq!(known.as_object().map(|words| words.len()), Some(3), "{known}");
    assert_eq!(client.call("starts", json!([])).await, 1);
    drop(client);
    server.shutdown().await;

    let server = dictionary(folder.path()).await;
    let mut client = server.join("/agents/dictionary/en", false).await;
    let known = client.call("known", json!([])).await;
    assert_eq!(known, json!({ "turn": "one poll of a handler", "gate": "what a frame waits at" }));
    assert_eq!(client.call("starts", json!([])).await, 2);
}

#[agent(env = Recorder)]
#[derive(Default)]
struct Greeter;

#[agent]
impl Greeter {
    #[hook]
    fn on_connect(&self, cx: &Context<Self>, conn: &Connection<Self>, req: &ConnectRequest) -> Result<()> {
        let who = req.query("who").unwrap_or_default();
        cx.env().note(json!([who, conn.id()]));
        conn.send(format!("welcome, {who}"))
    }
}

#[tokio::test]
async fn s6_on_connect_is_called_once_for_each_socket() {
    let (recorder, mut notes) = recorder();
    let server = TestServer::start(Agents::new().register::<Greeter>().env(recorder)).await;
    let mut ada = server.join("/agents/greeter/one?who=Ada&_pk=a", false).await;
    assert_eq!(ada.next().await.text(), "welcome, Ada");
    let mut bob = server.join("/agents/greeter/one?who=Bob&_pk=b", false).await;
    assert_eq!(bob.next().await.text(), "welcome, Bob");
    // Neither client sees the greeting of the other, and no client was connected twice.
    ada.send("just a message").await;
    assert_eq!(ada.drain().await, []);
    assert_eq!(bob.drain().await, []);
    assert_eq!(notes.so_far(), [json!(["Ada", "a"]), json!(["Bob", "b"])]);
}

#[agent]
#[derive(Default)]
struct Plain;

#[agent]
impl Plain {}

#[tokio::test]
async fn s7_an_agent_without_hooks_accepts_and_synchronises() {
    let server = TestServer::start(Agents::new().register::<Plain>()).await;
    let mut writer = server.join("/agents/plain/one", false).await;
    let mut reader = server.join("/agents/plain/one", false).await;
    writer.send(r#"{"type":"cf_agent_state","state":{"a":1}}"#).await;
    assert_eq!(writer.drain().await, []);
    assert_eq!(
        reader.next().await,
        Received::Text(r#"{"state":{"a":1},"type":"cf_agent_state"}"#.to_owned())
    );
    writer.send("no handler").await;
    writer.send_bytes(vec![1, 2, 3]).await;
    assert_eq!(writer.call_error("anything", json!([])).await, "Method anything does not exist");
}
