//! Strict agents: no write is made on behalf of a read-only connection, with any method.

use std::sync::Arc;
use std::time::Duration;

use agents::class::AgentDefinition;
use agents::prelude::*;
use agents::serde_json::{self, Value};
use agents::state::Attempt;
use agents::storage::KvRange;
use agents_tests::{Client, TestServer};
use tokio::sync::Notify;

use crate::support::{Heard, Tell, changed, line, push};

#[wire]
#[derive(Clone, Default)]
struct Tally {
    count: i64,
}

struct Lab {
    tell: Tell,
    go: Arc<Notify>,
}

type Tries = Vec<(&'static str, Result<()>)>;

/// Tries every way in which a context can write. A row, a key and the alarm exist before.
fn writes<A: AgentDefinition<State = Tally>>(cx: &Context<A>) -> Tries {
    let (sql, storage, object) = (cx.sql(), cx.storage(), cx.object());
    let first = || sql!(cx, "INSERT INTO rows (n) VALUES (1)");
    vec![
        ("set_state", cx.set_state(Tally { count: 1 })),
        ("sql!", first().map(drop)),
        ("sql! returning", sql!(cx, "INSERT INTO rows (n) VALUES (2) RETURNING n").map(|_: i64| ())),
        ("execute", sql.execute("UPDATE rows SET n = n + 10", ()).map(drop)),
        ("execute_batch", sql.execute_batch("SELECT 1; DELETE FROM rows; CREATE TABLE more (n);")),
        ("query", sql.query::<i64>("INSERT INTO rows (n) VALUES (3) RETURNING n", ()).map(drop)),
        ("a setting", sql.execute("PRAGMA defer_foreign_keys = ON", ()).map(drop)),
        ("transaction", sql.transaction(|sql| sql.execute("DROP TABLE rows", ())).map(drop)),
        ("object sql", sql!(object, "CREATE TABLE IF NOT EXISTS rows (n)").map(drop)),
        ("put", storage.put("key", &1)),
        ("delete", storage.delete("key").map(drop)),
        ("kv transaction", storage.transaction(|kv| kv.put("other", &1))),
        ("object put", object.storage().put("object", &1)),
        ("kv delete_all", storage.delete_all().map(drop)),
        ("set_alarm", object.set_alarm(Duration::from_secs(7200))),
        ("delete_alarm", object.delete_alarm()),
        ("auto-response", object.set_web_socket_auto_response("ping", "pong")),
        ("no auto-response", object.clear_web_socket_auto_response()),
        ("event timeout", object.set_web_socket_event_timeout(Some(Duration::from_secs(9)))),
        ("delete_all", object.clone().delete_all()),
    ]
}

fn codes(tries: Tries) -> Value {
    let code = |result: Result<()>| match result {
        Ok(()) => "ok".to_owned(),
        Err(error) => format!("{}: {}", error.code(), error.client_message().unwrap_or_default()),
    };
    json!(tries.into_iter().map(|(name, result)| (name, code(result))).collect::<Vec<_>>())
}

/// Checks the results of all writes. `but` lists the writes with another result than `code`.
fn check(answers: &Value, code: &str, but: &[(&str, &str)]) {
    let answers: Vec<(String, String)> = serde_json::from_value(answers.clone()).expect("pairs");
    assert_eq!(answers.len(), 20);
    for (door, answer) in answers {
        let other = but.iter().find(|(name, _)| *name == door);
        assert_eq!(answer, other.map_or(code, |(_, code)| code), "{door}");
    }
}

/// Returns all stored data.
fn stored<A: AgentDefinition<State = Tally>>(cx: &Context<A>) -> Result<Value> {
    let rows: Vec<i64> = sql!(cx, "SELECT n FROM rows ORDER BY rowid")?;
    let tables: Vec<String> = cx.object().sql().query(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE '\\_agents%' ESCAPE '\\'",
        (),
    )?;
    let read_in_a_transaction =
        cx.sql().transaction(|sql| sql.query_one::<i64>("SELECT count(*) FROM rows", ()))?;
    assert_eq!(usize::try_from(read_in_a_transaction)?, rows.len());
    let keys: Vec<(String, Value)> = cx.storage().list(KvRange::all())?;
    assert_eq!(cx.view().storage().list::<Value>(KvRange::all())?, keys);
    let one: Option<Value> = cx.storage().get("key")?;
    let alarm = cx.object().get_alarm()?.is_some();
    let auto = cx.object().get_web_socket_auto_response();
    let timeout = cx.object().get_web_socket_event_timeout();
    Ok(json!([cx.state()?.count, rows, tables, keys, one, alarm, auto, timeout]))
}

fn as_filled() -> Value {
    json!([0, [7], ["rows"], [["key", "value"]], "value", true, ["hello", "back"], null])
}

fn fill<A: AgentDefinition<State = Tally>>(cx: &Context<A>) -> Result<()> {
    cx.state()?;
    sql!(cx, "CREATE TABLE rows (n)")?;
    sql!(cx, "INSERT INTO rows (n) VALUES (7)")?;
    cx.storage().put("key", &"value".to_owned())?;
    cx.object().set_web_socket_auto_response("hello", "back")?;
    cx.object().set_alarm(Duration::from_secs(3600))
}

/// An agent with `strict`.
#[agent(state = Tally, connection = Value, env = Lab, strict = true)]
#[derive(Default)]
struct Vault;

#[agent]
impl Vault {
    #[hook]
    fn should_connection_be_readonly(&self, cx: &Context<Self>, req: &ConnectRequest) -> Result<bool> {
        // This write is the agent's own: the connection does not exist yet.
        cx.storage().put("seen", &true)?;
        cx.storage().delete("seen")?;
        Ok(req.query("mode").as_deref() == Some("view"))
    }

    #[hook]
    fn on_message(&self, cx: &Context<Self>, conn: &Connection<Self>, message: Message) -> Result<()> {
        if message.text() == Some("fail") {
            return cx.storage().put("key", &0);
        }
        conn.send(&codes(vec![("put", cx.storage().put("key", &"value".to_owned()))]))
    }

    #[hook]
    fn on_close(&self, cx: &Context<Self>, conn: &Connection<Self>) -> Result<()> {
        let refused = cx.storage().put("left", &conn.id().to_owned());
        cx.as_agent().storage().put("left", &conn.id().to_owned())?;
        cx.env().tell.tell(format!("left: {:?}", refused.map_err(|error| error.code())));
        Ok(())
    }

    #[hook]
    fn on_request(&self, cx: &Context<Self>, _: Request) -> Result<String> {
        fill(cx)?;
        Ok("filled".to_owned())
    }

    #[hook]
    async fn on_state_rejected(&self, cx: &Context<Self>, rejection: StateRejection<Self>) -> Result<()> {
        let (source, attempt) = (&rejection.source, rejection.attempt);
        let who = source.connection().map(|conn| conn.id().to_owned());
        if who.as_deref() == Some("eve") {
            // A write of this hook is the agent's own, although a viewer caused it.
            cx.storage().put("audit", &format!("{attempt:?} {:?}", source.callable()))?;
        }
        if attempt != Attempt::State {
            cx.env().tell.tell(format!("{:?} {attempt:?} {who:?} {:?}", rejection.kind, source.callable()));
        }
        Ok(())
    }

    #[hook]
    fn on_error(&self, cx: &Context<Self>, error: AgentError<Self>) {
        // The error hook is always the agent's own work.
        let written = cx.storage().put("error", &error.error().code().to_owned());
        let caller = cx.caller().map(|conn| conn.id().to_owned());
        assert_eq!((written.is_ok(), caller), (true, None));
        cx.env().tell.tell(format!("{}: {}", error.error().code(), error.error()));
    }

    #[callable]
    fn write_all(&self, cx: &Context<Self>) -> Value {
        codes(writes(cx))
    }

    #[callable]
    fn write_all_as_agent(&self, cx: &Context<Self>) -> Value {
        codes(writes(&cx.as_agent()))
    }

    #[callable]
    fn stored(&self, cx: &Context<Self>) -> Result<Value> {
        stored(cx)
    }

    #[callable]
    fn audit(&self, cx: &View<Self>) -> Result<Option<String>> {
        cx.storage().get("audit")
    }

    /// Sets the data of the connection itself, which is not refused.
    #[callable]
    fn keep(&self, cx: &Context<Self>, conn: &Connection<Self>, value: Value) -> Result<Value> {
        conn.set_state(value)?;
        conn.set_readonly(conn.is_readonly())?;
        let socket = cx.object().get_web_sockets().into_iter().find(|socket| socket.id() == conn.id());
        if let Some(socket) = socket {
            socket.serialize_attachment(&conn.state()?)?;
        }
        conn.state().map(Arc::unwrap_or_clone)
    }

    #[callable]
    fn lock(&self, cx: &View<Self>, id: String, readonly: bool) -> Result<()> {
        cx.connection(&id).ok_or_else(|| Error::msg("no connection has this id"))?.set_readonly(readonly)
    }

    #[callable]
    fn go(&self, cx: &View<Self>) {
        cx.env().go.notify_one();
    }

    #[callable]
    async fn after_await(&self, cx: &Context<Self>) -> Result<()> {
        cx.env().tell.tell("waiting");
        cx.env().go.notified().await;
        cx.storage().put("key", &"value".to_owned())
    }

    #[callable]
    fn in_helper(&self) -> Result<()> {
        let cx = agents::current::<Self>().ok_or_else(|| Error::msg("no context"))?;
        cx.object().storage().put("key", &"value".to_owned())
    }

    #[callable]
    async fn joined(&self, cx: &Context<Self>) -> Vec<String> {
        let one = async {
            tokio::task::yield_now().await;
            self.in_helper()
        };
        let two = async {
            sql!(cx, "INSERT INTO rows (n) VALUES (8)")?;
            sql!(cx, "DELETE FROM rows WHERE n = 8")
        };
        let (one, two) = futures_util::join!(one, two);
        [one.err(), two.err()].map(|error| error.map_or("ok", |error| error.code()).to_owned()).to_vec()
    }

    #[callable]
    fn spawned(&self, cx: &Context<Self>) -> Result<()> {
        let mine = cx.clone();
        cx.spawn(async move {
            tokio::task::yield_now().await;
            mine.storage().put("key", &"value".to_owned())?;
            mine.env().tell.tell("written");
            Ok::<_, Error>(())
        })?;
        let object = cx.object().clone();
        let tell = cx.env().tell.clone();
        cx.object().spawn(async move {
            tokio::task::yield_now().await;
            let result = object.storage().put("key", &"value".to_owned());
            tell.tell(format!("low: {:?}", result.map_err(|error| error.code())));
            Ok(())
        })
    }

    /// Locks the connection inside a transaction. The refusal of the later write undoes the earlier write
    /// too.
    #[callable]
    fn lock_inside_a_transaction(&self, cx: &Context<Self>, conn: &Connection<Self>) -> Result<()> {
        cx.sql().transaction(|sql| {
            sql.execute("INSERT INTO rows (n) VALUES (8)", ())?;
            conn.set_readonly(true)?;
            sql.execute("INSERT INTO rows (n) VALUES (9)", ()).map(drop)
        })
    }
}

/// The same agent without `strict`.
#[agent(state = Tally, env = Lab)]
#[derive(Default)]
struct Shed;

#[agent]
impl Shed {
    #[hook]
    fn should_connection_be_readonly(&self, req: &ConnectRequest) -> bool {
        req.query("mode").as_deref() == Some("view")
    }

    #[hook]
    fn on_request(&self, cx: &Context<Self>, _: Request) -> Result<String> {
        fill(cx)?;
        Ok("filled".to_owned())
    }

    #[callable]
    fn write_all(&self, cx: &Context<Self>) -> Value {
        codes(writes(cx))
    }
}

async fn filled(class: &str) -> (TestServer, Heard, Client, Client) {
    let (tell, heard) = line();
    let lab = Lab { tell, go: Arc::default() };
    let server = TestServer::start(Agents::new().register::<Vault>().register::<Shed>().env(lab)).await;
    let path = format!("/agents/{class}/a");
    let answer = reqwest::get(server.url(&path)).await.expect("an answer");
    assert_eq!(answer.text().await.expect("a text"), "filled");
    let viewer = server.join(&format!("{path}?mode=view&_pk=viewer"), true).await;
    let editor = server.join(&format!("{path}?_pk=editor"), true).await;
    (server, heard, viewer, editor)
}

const REFUSED: &str = "readonly: Connection is readonly";

#[tokio::test]
async fn s178_a_strict_agent_refuses_a_viewer_every_write_and_no_read() {
    let (_server, mut heard, mut viewer, mut editor) = filled("vault").await;
    check(&viewer.call("writeAll", json!([])).await, REFUSED, &[]);
    let mut told = Vec::new();
    for _ in 0..19 {
        told.push(heard.next().await);
    }
    let tried = |attempt: &str| {
        let line = format!("Readonly {attempt} Some(\"viewer\") Some(\"writeAll\")");
        told.iter().filter(|told| **told == line).count()
    };
    assert_eq!((tried("Sql"), tried("Storage"), tried("Alarm")), (8, 5, 2), "{told:#?}");
    assert_eq!((tried("Settings"), tried("DeleteAll"), heard.rest().len()), (3, 1, 0), "{told:#?}");
    assert_eq!(
        viewer.call("stored", json!([])).await,
        as_filled(),
        "no write succeeded, and every read succeeded"
    );
    assert_eq!(editor.call("stored", json!([])).await, as_filled());
    assert_eq!(editor.drain().await, []);
    // A connection that may write is never refused.
    check(&editor.call("writeAll", json!([])).await, "ok", &[]);
    assert_eq!(heard.rest(), [""; 0]);
}

#[tokio::test]
async fn s178_otherwise_only_the_state_is_guarded() {
    let (_server, _heard, mut viewer, _editor) = filled("shed").await;
    check(&viewer.call("writeAll", json!([])).await, "ok", &[("set_state", REFUSED)]);
}

#[tokio::test]
async fn s178_the_agents_own_work_is_not_concerned() {
    let (server, mut heard, mut viewer, mut editor) = filled("vault").await;
    // The hooks of the viewer act for the viewer. The agent's own decisions do not.
    viewer.send("a message").await;
    assert_eq!(viewer.json().await, json!([["put", REFUSED]]));
    editor.send("a message").await;
    assert_eq!(editor.json().await, json!([["put", "ok"]]));
    assert_eq!(heard.next().await, "Readonly Storage Some(\"viewer\") None");
    viewer.send("fail").await;
    assert_eq!(heard.next().await, "readonly: Connection is readonly", "reported by on_error");
    assert_eq!(heard.next().await, "Readonly Storage Some(\"viewer\") None");
    check(&viewer.call("writeAllAsAgent", json!([])).await, "ok", &[]);
    let eve = server.join("/agents/vault/b?mode=view&_pk=eve", true).await;
    eve.close(Some((1000, ""))).await;
    assert_eq!(heard.next().await, "left: Err(\"readonly\")");
    assert_eq!(heard.next().await, "Readonly Storage Some(\"eve\") None");
    let mut late = server.join("/agents/vault/b", true).await;
    assert_eq!(late.call("audit", json!([])).await, "Storage None", "written by the hook");
}

#[tokio::test]
async fn s178_what_is_kept_for_the_connection_is_not_refused() {
    let (_server, mut heard, mut viewer, _editor) = filled("vault").await;
    assert_eq!(viewer.call("keep", json!([{ "theme": "dark" }])).await, json!({ "theme": "dark" }));
    viewer.call("lock", json!(["viewer", false])).await;
    viewer.call("inHelper", json!([])).await;
    assert_eq!(heard.rest(), [""; 0]);
}

#[tokio::test]
async fn s178_s170_strictness_follows_the_call() {
    let (_server, mut heard, mut viewer, mut editor) = filled("vault").await;
    assert_eq!(viewer.call_error("inHelper", json!([])).await, "Connection is readonly");
    assert_eq!(viewer.call("joined", json!([])).await, json!(["readonly", "readonly"]));
    for attempt in
        ["Storage Some(\"viewer\") Some(\"inHelper", "Sql Some(\"viewer\") Some(\"joined", "Storage"]
    {
        let told = heard.next().await;
        assert!(told.contains(attempt), "{told}");
    }
    viewer.call("spawned", json!([])).await;
    let mut told = [heard.next().await, heard.next().await, heard.next().await, heard.next().await];
    told.sort();
    assert_eq!(told[0..2], vec!["Readonly Storage Some(\"viewer\") Some(\"spawned\")"; 2]);
    assert_eq!(told[2..], ["low: Err(\"readonly\")", "readonly: Connection is readonly"]);
    editor.call("inHelper", json!([])).await;
    assert_eq!(editor.call("joined", json!([])).await, json!(["ok", "ok"]));
    editor.call("spawned", json!([])).await;
    let mut told = [heard.next().await, heard.next().await];
    told.sort();
    assert_eq!(told, ["low: Ok(())", "written"]);
}

#[tokio::test]
async fn s178_the_flag_counts_at_the_moment_of_the_write() {
    let (_server, mut heard, mut viewer, mut editor) = filled("vault").await;
    for (readonly_before, readonly_then) in [(false, true), (true, false), (true, true), (false, false)] {
        editor.call("lock", json!(["viewer", readonly_before])).await;
        let call = viewer.start_call("afterAwait", json!([])).await;
        assert_eq!(heard.next().await, "waiting");
        editor.call("lock", json!(["viewer", readonly_then])).await;
        editor.call("go", json!([])).await;
        let answer = viewer.answer(&call).await;
        assert_eq!(answer["success"], !readonly_then, "{readonly_before} {readonly_then}: {answer}");
        if readonly_then {
            assert_eq!(heard.next().await, "Readonly Storage Some(\"viewer\") Some(\"afterAwait\")");
        }
    }
}

#[tokio::test]
async fn s178_a_refusal_inside_a_transaction_takes_it_back_and_is_heard_of() {
    let (_server, mut heard, mut viewer, mut editor) = filled("vault").await;
    assert_eq!(editor.call_error("lockInsideATransaction", json!([])).await, "Connection is readonly");
    assert_eq!(heard.next().await, "Readonly Sql Some(\"editor\") Some(\"lockInsideATransaction\")");
    assert_eq!(editor.call("stored", json!([])).await, as_filled());
    // The lock was set inside the transaction, so it is undone too.
    editor.send(push(&json!({ "count": 5 }))).await;
    editor.call("inHelper", json!([])).await;
    let frames = viewer.drain_json().await;
    assert_eq!(frames, [changed(&json!({ "count": 5 }))]);
}
