//! Read-only connections: the frames that they receive, the calls that they may make, and the writes that are
//! refused.

use std::sync::Arc;

use agents::prelude::*;
use agents::serde_json::Value;
use agents_tests::{Client, TestServer};
use tokio::sync::Notify;

use crate::support::{Heard, Tell, changed, line, push};

const REFUSED: &str = r#"{"type":"cf_agent_state_error","error":"Connection is readonly"}"#;

#[wire]
#[derive(Clone, Default)]
struct Text {
    body: String,
}

struct Office {
    tell: Tell,
    go: Arc<Notify>,
}

/// A document. A connection with `?mode=view` is read-only, and every other connection may write.
#[agent(state = Text, connection = Value, env = Office)]
#[derive(Default)]
struct Paper;

#[agent]
impl Paper {
    #[hook]
    fn on_start(&self, cx: &Context<Self>) -> Result<()> {
        sql!(cx, "CREATE TABLE IF NOT EXISTS notes (what TEXT NOT NULL)")?;
        Ok(())
    }

    #[hook]
    fn should_connection_be_readonly(&self, cx: &View<Self>, req: &ConnectRequest) -> bool {
        cx.env().tell.tell("asked");
        req.query("mode").as_deref() == Some("view")
    }

    #[hook]
    async fn on_connect(
        &self,
        cx: &Context<Self>,
        conn: &Connection<Self>,
        req: &ConnectRequest,
    ) -> Result<()> {
        if req.query("wait").is_some() {
            cx.env().go.notified().await;
        }
        if req.query("greet").is_some() {
            conn.send(format!("readonly: {}", conn.is_readonly()))?;
        }
        Ok(())
    }

    #[hook]
    fn on_message(&self, cx: &Context<Self>, conn: &Connection<Self>, message: Message) -> Result<()> {
        let body = message.text().unwrap_or_default().to_owned();
        match cx.set_state(Text { body }) {
            Ok(()) => conn.send("written"),
            Err(error) => conn.send(format!("{}: {error}", error.code())),
        }
    }

    #[hook]
    fn on_request(&self, cx: &Context<Self>, _: Request) -> Result<String> {
        cx.set_state(Text { body: "over HTTP".to_owned() })?;
        Ok("written".to_owned())
    }

    #[callable]
    fn write(&self, cx: &Context<Self>, body: String) -> Result<()> {
        cx.set_state(Text { body })
    }

    #[callable]
    fn append(&self, cx: &Context<Self>, more: String) -> Result<usize> {
        cx.update_state(|text| {
            text.body.push_str(&more);
            text.body.len()
        })
    }

    #[callable]
    fn read(&self, cx: &View<Self>) -> Result<String> {
        Ok(cx.state()?.body.clone())
    }

    #[callable]
    fn get_permissions(&self, conn: &Connection<Self>) -> Value {
        json!({ "canEdit": !conn.is_readonly() })
    }

    #[callable]
    fn note_then_write(&self, cx: &Context<Self>) -> Result<()> {
        sql!(cx, "INSERT INTO notes (what) VALUES ('classic')")?;
        self.write(cx, "noted".to_owned())
    }

    #[callable(write)]
    fn guarded_note_then_write(&self, cx: &Context<Self>) -> Result<()> {
        sql!(cx, "INSERT INTO notes (what) VALUES ('guarded')")?;
        self.write(cx, "noted".to_owned())
    }

    #[callable]
    fn notes(&self, cx: &View<Self>) -> Result<Vec<String>> {
        sql!(cx, "SELECT what FROM notes ORDER BY rowid")
    }

    #[callable]
    fn set_my_readonly(&self, conn: &Connection<Self>, readonly: bool) -> Result<()> {
        conn.set_readonly(readonly)
    }

    #[callable]
    fn set_readonly_of(&self, cx: &Context<Self>, id: String, readonly: bool) -> Result<()> {
        let conn = cx.connection(&id).ok_or_else(|| Error::msg("no connection has this id"))?;
        conn.set_readonly(readonly)
    }

    #[callable]
    fn set_my_state(&self, conn: &Connection<Self>, state: Value) -> Result<Option<Arc<Value>>> {
        conn.set_state(state)?;
        conn.try_state()
    }

    #[callable]
    fn say(&self, cx: &Context<Self>, text: String) -> Result<()> {
        cx.broadcast(text)
    }

    #[callable]
    fn go(&self, cx: &View<Self>) {
        cx.env().go.notify_one();
    }

    /// Becomes read-only during its own call.
    #[callable]
    fn lock_then_write(&self, cx: &Context<Self>, conn: &Connection<Self>) -> Result<()> {
        conn.set_readonly(true)?;
        self.write(cx, "after the lock".to_owned())
    }
}

async fn paper() -> (TestServer, Heard) {
    let (tell, heard) = line();
    let office = Office { tell, go: Arc::default() };
    (TestServer::start(Agents::new().register::<Paper>().env(office)).await, heard)
}

async fn viewer_and_editor(server: &TestServer) -> (Client, Client) {
    let viewer = server.join("/agents/paper/a?mode=view&_pk=viewer", true).await;
    (viewer, server.join("/agents/paper/a?_pk=editor", true).await)
}

fn body(text: &str) -> Value {
    json!({ "body": text })
}

#[tokio::test]
async fn s114_s115_s116_s119_a_viewer_sees_changes_and_asks_questions() {
    let (server, _heard) = paper().await;
    let (mut viewer, mut editor) = viewer_and_editor(&server).await;
    editor.call("write", json!(["first"])).await;
    editor.send(push(&body("second"))).await;
    editor.drain().await;
    assert_eq!(viewer.drain_json().await, [changed(&body("first")), changed(&body("second"))]);
    assert_eq!(viewer.call("read", json!([])).await, "second");
    assert_eq!(viewer.call("getPermissions", json!([])).await, json!({ "canEdit": false }));
    assert_eq!(editor.call("getPermissions", json!([])).await, json!({ "canEdit": true }));
}

#[tokio::test]
async fn s117_s140_s144_s149_a_push_of_a_viewer_is_refused_and_leaves_no_trace() {
    let (server, _heard) = paper().await;
    let (mut viewer, mut editor) = viewer_and_editor(&server).await;
    editor.call("write", json!(["kept"])).await;
    viewer.drain().await;
    editor.drain().await;
    viewer.send(push(&body("mine"))).await;
    assert_eq!(viewer.next().await.text(), REFUSED);
    assert_eq!(viewer.drain().await, []);
    assert_eq!(editor.drain().await, [], "the other client gets no frame");
    assert_eq!(editor.call("read", json!([])).await, "kept");
    let mut late = server.connect("/agents/paper/a").await;
    assert_eq!(late.greeting(true).await, Some(body("kept")));
}

#[tokio::test]
async fn s118_s143_s144_a_write_inside_a_callable_is_refused() {
    let (server, _heard) = paper().await;
    let (mut viewer, mut editor) = viewer_and_editor(&server).await;
    viewer.start_call("write", json!(["mine"])).await;
    assert_eq!(
        viewer.next().await.text(),
        r#"{"error":"Connection is readonly","id":"call-1","success":false,"type":"rpc"}"#
    );
    assert_eq!(viewer.call_error("append", json!(["mine"])).await, "Connection is readonly");
    assert_eq!(viewer.call_error("lockThenWrite", json!([])).await, "Connection is readonly");
    assert_eq!(editor.call("read", json!([])).await, "");
    assert_eq!(editor.drain().await, []);
    assert_eq!(editor.call("append", json!(["ours"])).await, 4);
}

#[tokio::test]
async fn s118_the_check_sits_at_the_write_or_before_the_body() {
    let (server, _heard) = paper().await;
    let (mut viewer, mut editor) = viewer_and_editor(&server).await;
    assert_eq!(viewer.call_error("noteThenWrite", json!([])).await, "Connection is readonly");
    assert_eq!(viewer.call("notes", json!([])).await, json!(["classic"]), "the body ran up to the write");
    assert_eq!(viewer.call_error("guardedNoteThenWrite", json!([])).await, "Connection is readonly");
    assert_eq!(viewer.call("notes", json!([])).await, json!(["classic"]), "the body did not run");
    editor.call("guardedNoteThenWrite", json!([])).await;
    assert_eq!(viewer.call("notes", json!([])).await, json!(["classic", "guarded"]));
}

#[tokio::test]
async fn s123_s124_s125_s151_the_hook_is_asked_once_a_connection() {
    let (server, mut heard) = paper().await;
    let mut client = server.join("/agents/paper/a?mode=view", true).await;
    assert_eq!(client.call("getPermissions", json!([])).await["canEdit"], false);
    client.send(push(&body("x"))).await;
    client.drain().await;
    assert_eq!(heard.rest(), ["asked"]);
    client.close(Some((1000, ""))).await;
    // Without the parameter the connection is writable: the flag belongs to the connection, not to the
    // client.
    let mut client = server.join("/agents/paper/a", true).await;
    assert_eq!(client.call("getPermissions", json!([])).await["canEdit"], true);
    assert_eq!(heard.rest(), ["asked"]);
}

#[tokio::test]
async fn s124_an_agent_without_the_hook_has_writable_connections() {
    let server = TestServer::start(Agents::new().register::<Open>()).await;
    let mut client = server.join("/agents/open/a?mode=view", true).await;
    let mut other = server.join("/agents/open/a", true).await;
    assert_eq!(client.call("isReadonly", json!([])).await, false);
    client.send(push(&body("written"))).await;
    assert_eq!(other.json().await, changed(&body("written")));
}

/// An agent without hooks.
#[agent(state = Text)]
#[derive(Default)]
struct Open;

#[agent]
impl Open {
    #[callable]
    fn is_readonly(&self, conn: &Connection<Self>) -> bool {
        conn.is_readonly()
    }
}

#[tokio::test]
async fn s126_a_connection_is_readonly_from_its_very_first_message() {
    let (server, _heard) = paper().await;
    let mut editor = server.join("/agents/paper/a", true).await;
    // The frame is sent before the greeting arrives, and before the hook ends.
    let mut viewer = server.connect("/agents/paper/a?mode=view&wait=1").await;
    viewer.send(push(&body("too early"))).await;
    viewer.send("as a message").await;
    viewer.greeting(true).await;
    editor.call("write", json!(["first"])).await;
    editor.drain().await;
    assert_eq!(viewer.json().await, changed(&body("first")), "on_connect still waits");
    editor.call("go", json!([])).await;
    assert_eq!(viewer.next().await.text(), REFUSED);
    assert_eq!(viewer.next().await.text(), "readonly: Connection is readonly");
    assert_eq!(editor.drain().await, []);
    assert_eq!(editor.call("read", json!([])).await, "first");
}

#[tokio::test]
async fn s127_s128_s137_the_flag_can_be_set_and_cleared_at_any_time() {
    let (server, _heard) = paper().await;
    let (mut viewer, mut editor) = viewer_and_editor(&server).await;
    for readonly in [false, true, true, false] {
        viewer.call("setMyReadonly", json!([readonly])).await;
        assert_eq!(viewer.call("getPermissions", json!([])).await["canEdit"], !readonly);
        viewer.drain().await;
        viewer.send(push(&body(if readonly { "no" } else { "yes" }))).await;
        if readonly {
            assert_eq!(viewer.next().await.text(), REFUSED);
            assert_eq!(editor.drain().await, []);
        } else {
            assert_eq!(viewer.drain().await, []);
            assert_eq!(editor.drain_json().await, [changed(&body("yes"))]);
        }
    }
}

#[tokio::test]
async fn s127_the_flag_of_another_connection_can_be_set() {
    let (server, _heard) = paper().await;
    let (mut viewer, mut editor) = viewer_and_editor(&server).await;
    viewer.call("setReadonlyOf", json!(["editor", true])).await;
    viewer.call("setReadonlyOf", json!(["viewer", false])).await;
    assert_eq!(editor.call_error("write", json!(["x"])).await, "Connection is readonly");
    viewer.call("write", json!(["turned"])).await;
    assert_eq!(editor.call("read", json!([])).await, "turned");
    assert_eq!(viewer.call_error("setReadonlyOf", json!(["ghost", true])).await, "no connection has this id");
}

#[tokio::test]
async fn s129_the_flag_stands_when_the_connect_hook_runs() {
    let (server, _heard) = paper().await;
    let mut viewer = server.join("/agents/paper/a?mode=view&greet=1", true).await;
    assert_eq!(viewer.next().await.text(), "readonly: true");
    let mut editor = server.join("/agents/paper/a?greet=1", true).await;
    assert_eq!(editor.next().await.text(), "readonly: false");
}

#[tokio::test]
async fn s128_no_value_of_a_user_reads_or_overwrites_the_flag() {
    let (server, _heard) = paper().await;
    let (mut viewer, mut editor) = viewer_and_editor(&server).await;
    for state in [
        json!({ "readonly": false, "flags": 0, "_cf_readonly": false, "_cf_no_protocol": true, "__user": {} }),
        json!(0),
        json!(null),
        json!("\u{0}\u{0}"),
        json!([false]),
    ] {
        assert_eq!(viewer.call("setMyState", json!([state])).await, state, "the state is unchanged");
        assert_eq!(viewer.call_error("write", json!(["x"])).await, "Connection is readonly");
        editor.call("setMyState", json!([state])).await;
        editor.call("write", json!(["still mine"])).await;
        assert_eq!(viewer.json().await["type"], "cf_agent_state", "and protocol frames still come");
    }
}

#[tokio::test]
async fn s117_a_message_of_a_viewer_writes_no_state_either() {
    let (server, _heard) = paper().await;
    let (mut viewer, mut editor) = viewer_and_editor(&server).await;
    viewer.send("from a message").await;
    assert_eq!(viewer.next().await.text(), "readonly: Connection is readonly");
    assert_eq!(editor.drain().await, []);
    editor.send("from a message").await;
    assert_eq!(editor.json().await, changed(&body("from a message")));
    assert_eq!(editor.next().await.text(), "written");
}

#[tokio::test]
async fn s114_readonly_is_about_the_state_and_not_about_talking() {
    let (server, _heard) = paper().await;
    let (mut viewer, mut editor) = viewer_and_editor(&server).await;
    viewer.call("say", json!(["hello"])).await;
    assert_eq!(editor.next().await.text(), "hello");
    // A plain request has no connection, so no write is refused.
    let answer = reqwest::get(server.url("/agents/paper/a?mode=view")).await.expect("an answer");
    assert_eq!(answer.text().await.expect("a text"), "written");
    assert_eq!(editor.json().await, changed(&body("over HTTP")));
}

#[tokio::test]
async fn s117_a_viewer_may_be_the_first_to_come() {
    let (server, _heard) = paper().await;
    let mut viewer = server.connect("/agents/paper/new?mode=view").await;
    assert_eq!(viewer.greeting(true).await, Some(body("")), "the initial state is the agent's own");
    assert_eq!(viewer.drain().await, []);
}

/// An agent that makes a connection read-only in the hook that `?by=` names.
#[agent(state = Text)]
#[derive(Default)]
struct Early;

fn forbid(conn: &Connection<Early>, req: &ConnectRequest, by: &str) -> Result<()> {
    match req.query("by").as_deref() == Some(by) {
        true => conn.set_readonly(true),
        false => Ok(()),
    }
}

#[agent]
impl Early {
    #[hook]
    fn connection_tags(&self, conn: &Connection<Self>, req: &ConnectRequest) -> Result<Vec<String>> {
        forbid(conn, req, "tags")?;
        Ok(Vec::new())
    }

    #[hook]
    fn should_connection_be_readonly(&self, conn: &Connection<Self>, req: &ConnectRequest) -> Result<bool> {
        forbid(conn, req, "readonly")?;
        Ok(false)
    }

    #[hook]
    fn should_send_protocol_messages(&self, conn: &Connection<Self>, req: &ConnectRequest) -> Result<bool> {
        forbid(conn, req, "protocol")?;
        Ok(true)
    }

    #[hook]
    fn on_connect(&self, conn: &Connection<Self>, req: &ConnectRequest) -> Result<()> {
        forbid(conn, req, "connect")
    }

    #[callable]
    fn write(&self, cx: &Context<Self>) -> Result<()> {
        cx.set_state(Text { body: "written".to_owned() })
    }
}

#[tokio::test]
async fn s127_a_hook_before_the_accept_may_set_the_flag_as_well() {
    let server = TestServer::start(Agents::new().register::<Early>()).await;
    for by in ["tags", "readonly", "protocol", "connect"] {
        let mut viewer = server.join(&format!("/agents/early/{by}?by={by}"), true).await;
        viewer.send(push(&json!({ "body": "pushed" }))).await;
        assert_eq!(viewer.next().await.text(), REFUSED, "{by}");
        assert_eq!(viewer.call_error("write", json!([])).await, "Connection is readonly", "{by}");
        let mut editor = server.join(&format!("/agents/early/{by}"), true).await;
        assert_eq!(editor.call("write", json!([])).await, Value::Null, "{by}");
    }
}
