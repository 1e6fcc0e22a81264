//! Calls that require a right: the hook, its time, and the effects of a refusal.

use std::sync::Arc;

use agents::prelude::*;
use agents::serde_json::Value;
use agents_tests::{Client, TestServer};
use tokio::sync::Notify;

use crate::support::{Heard, Tell, line};

#[wire]
#[derive(Clone, Default)]
struct Count {
    count: i64,
}

#[wire]
#[derive(Clone)]
struct Member {
    role: String,
}

struct Lab {
    tell: Tell,
    go: Arc<Notify>,
}

/// A club whose members have a `role`, which is their right. A connection with `?mode=view` is read-only.
#[agent(state = Count, connection = Member, env = Lab)]
#[derive(Default)]
struct Club;

#[agent]
impl Club {
    #[hook]
    fn authorize(&self, req: &ConnectRequest) -> Result<Member, Refusal> {
        Ok(Member { role: req.query("role").unwrap_or_default().into_owned() })
    }

    #[hook]
    fn should_connection_be_readonly(&self, req: &ConnectRequest) -> bool {
        req.query("mode").as_deref() == Some("view")
    }

    #[hook]
    async fn has_right(&self, cx: &View<Self>, conn: &Connection<Self>, right: &str) -> Result<bool> {
        let ambient = agents::current::<Self>().and_then(|cx| cx.callable());
        let same = cx.caller() == Some(conn) && ambient == cx.callable();
        cx.env().tell.tell(format!("{} {right} {:?} {same}", conn.id(), cx.callable()));
        match conn.state()?.role.as_str() {
            "broken" => Err(std::io::Error::other("the secret list is gone"))?,
            "expired" => Err(Error::msg("your membership has ended")),
            "panic" => panic!("in the hook"),
            "slow" => {
                cx.env().go.notified().await;
                Ok(true)
            }
            role => Ok(role == right || (role == "owner" && cx.state()?.count < 100)),
        }
    }

    #[hook]
    fn on_state_rejected(
        &self,
        cx: &Context<Self>,
        rejection: StateRejection<Self>,
        conn: Option<&Connection<Self>>,
    ) {
        let (source, attempt, kind) = (&rejection.source, rejection.attempt, rejection.kind);
        assert_eq!(conn, source.connection());
        let who = conn.map_or("agent", |conn| conn.id());
        cx.env().tell.tell(format!(
            "{kind:?} {attempt:?} {who} {:?}: {}",
            source.callable(),
            rejection.message
        ));
    }

    #[callable(require = "editor")]
    fn edit(&self, cx: &Context<Self>, by: i64) -> Result<i64> {
        cx.env().tell.tell("edit runs");
        cx.update_state(|state| {
            state.count += by;
            state.count
        })
    }

    #[callable(require = "editor", exclusive)]
    async fn edit_alone(&self, cx: &Context<Self>) {
        cx.env().tell.tell("alone");
        cx.env().go.notified().await;
    }

    #[callable(write, exclusive)]
    async fn write_alone(&self, cx: &Context<Self>) {
        cx.env().tell.tell("writing alone");
        cx.env().go.notified().await;
    }

    #[callable(require = "writable")]
    fn write(&self, cx: &Context<Self>) {
        cx.env().tell.tell("write runs");
    }

    #[callable(write, require = "editor")]
    fn write_and_edit(&self, cx: &Context<Self>) {
        cx.env().tell.tell("both run");
    }

    #[callable(require = "editor")]
    async fn lines(&self, out: &StreamingResponse<u32>) -> Result<u32> {
        out.send(1)?;
        Ok(2)
    }

    #[callable]
    fn send_mail(&self, cx: &Context<Self>) -> Result<()> {
        cx.require_writable()?;
        cx.view().require_writable()?;
        cx.env().tell.tell("a mail was sent");
        Ok(())
    }

    #[hook]
    fn on_message(&self, cx: &Context<Self>, conn: &Connection<Self>, _: Message) -> Result<()> {
        let code = cx.require_writable().map_or_else(|error| error.code(), |()| "may write");
        conn.send(code)
    }

    #[hook]
    fn on_request(&self, cx: &Context<Self>, _: Request) -> Result<&'static str> {
        cx.require_writable()?;
        Ok("no connection")
    }

    #[callable]
    fn lock(&self, cx: &View<Self>, id: String, readonly: bool) -> Result<()> {
        cx.connection(&id).ok_or_else(|| Error::msg("no connection has this id"))?.set_readonly(readonly)
    }

    #[callable]
    fn go(&self, cx: &View<Self>) {
        cx.env().go.notify_one();
    }
}

/// An agent whose hook is compiled out, so that no connection has the right.
#[agent]
#[derive(Default)]
struct Closed;

#[agent]
impl Closed {
    #[cfg(any())]
    #[hook]
    fn has_right(&self, _: &str) -> bool {
        true
    }

    #[callable(require = "editor")]
    fn edit(&self) {}
}

async fn club() -> (TestServer, Heard) {
    let (tell, heard) = line();
    let lab = Lab { tell, go: Arc::default() };
    (TestServer::start(Agents::new().register::<Club>().register::<Closed>().env(lab)).await, heard)
}

async fn member(server: &TestServer, role: &str) -> Client {
    server.join(&format!("/agents/club/a?role={role}&_pk={role}"), true).await
}

#[tokio::test]
async fn s179_a_right_is_asked_for_before_anything_else() {
    let (server, mut heard) = club().await;
    let mut guest = member(&server, "guest").await;
    // The arguments are not decoded before the check.
    for args in [json!([1]), json!(["no number"]), json!([1, 2, 3])] {
        assert_eq!(guest.call_error("edit", args).await, "Insufficient permissions");
        assert_eq!(heard.next().await, "guest editor Some(\"edit\") true");
        let told = heard.next().await;
        assert_eq!(told, "Right(\"editor\") Call guest Some(\"edit\"): `edit` needs the right `editor`");
    }
    assert_eq!(guest.call_error("lines", json!([])).await, "Insufficient permissions");
    assert_eq!(heard.next().await, "guest editor Some(\"lines\") true");
    heard.next().await;
    for role in ["editor", "owner"] {
        let mut client = member(&server, role).await;
        assert!(client.call("edit", json!([1])).await.is_i64());
        assert_eq!(heard.next().await, format!("{role} editor Some(\"edit\") true"));
        assert_eq!(heard.next().await, "edit runs");
        assert_eq!(client.call("lines", json!([])).await, 2);
        heard.next().await;
    }
    assert_eq!(heard.rest(), [""; 0]);
}

#[tokio::test]
async fn s179_a_right_is_asked_for_at_each_call() {
    let (server, mut heard) = club().await;
    let mut owner = member(&server, "owner").await;
    assert_eq!(owner.call("edit", json!([100])).await, 100);
    assert_eq!(owner.call_error("edit", json!([1])).await, "Insufficient permissions");
    assert_eq!(heard.next().await, "owner editor Some(\"edit\") true");
}

#[tokio::test]
async fn s179_a_hook_that_fails_keeps_its_secrets_and_the_call_does_not_run() {
    let (server, mut heard) = club().await;
    for (role, told) in [
        ("broken", "Internal error (id "),
        ("panic", "Internal error (id "),
        ("expired", "your membership has ended"),
    ] {
        let mut client = member(&server, role).await;
        let text = client.call_error("edit", json!([1])).await;
        assert!(text.starts_with(told) && !text.contains("secret"), "{role}: {text}");
        assert!(heard.next().await.starts_with(role));
        assert_eq!(heard.rest(), [""; 0], "an error is not a refusal, and the body did not run");
    }
    let mut editor = member(&server, "editor").await;
    assert_eq!(editor.call("edit", json!([1])).await, 1, "the agent lives");
}

#[tokio::test]
async fn s179_who_is_refused_does_not_wait_for_an_exclusive_call() {
    let (server, mut heard) = club().await;
    let mut editor = member(&server, "editor").await;
    let mut guest = member(&server, "guest").await;
    let running = editor.start_call("editAlone", json!([])).await;
    assert!(heard.next().await.starts_with("editor"));
    assert_eq!(heard.next().await, "alone");
    assert_eq!(guest.call_error("editAlone", json!([])).await, "Insufficient permissions");
    let waiting = editor.start_call("editAlone", json!([])).await;
    assert!(heard.next().await.starts_with("guest"));
    assert!(heard.next().await.starts_with("Right"));
    assert!(heard.next().await.starts_with("editor"), "asked before it waits");
    editor.call("edit", json!([1])).await;
    assert!(heard.next().await.starts_with("editor"));
    assert_eq!(heard.next().await, "edit runs", "other calls go on");
    guest.call("go", json!([])).await;
    editor.answer(&running).await;
    assert_eq!(heard.next().await, "alone");
    guest.call("go", json!([])).await;
    editor.answer(&waiting).await;
}

#[tokio::test]
async fn s171_s179_write_is_checked_again_when_the_call_has_its_turn() {
    let (server, mut heard) = club().await;
    let mut editor = member(&server, "editor").await;
    let mut other = member(&server, "other").await;
    let running = editor.start_call("writeAlone", json!([])).await;
    assert_eq!(heard.next().await, "writing alone");
    let waiting = other.start_call("writeAlone", json!([])).await;
    editor.call("lock", json!(["other", true])).await;
    // A connection that is already read-only does not wait.
    assert_eq!(other.call_error("writeAlone", json!([])).await, "Connection is readonly");
    let refused = "Readonly Call other Some(\"writeAlone\"): Connection is readonly";
    assert_eq!(heard.next().await, refused);
    editor.call("go", json!([])).await;
    assert_eq!(editor.answer(&running).await["success"], true);
    assert_eq!(other.answer(&waiting).await["error"], "Connection is readonly");
    assert_eq!(heard.next().await, refused);
    // The check is also repeated after the hook has waited.
    let mut slow = member(&server, "slow").await;
    let waiting = slow.start_call("writeAndEdit", json!([])).await;
    assert!(heard.next().await.starts_with("slow editor"));
    editor.call("lock", json!(["slow", true])).await;
    editor.call("go", json!([])).await;
    assert_eq!(slow.answer(&waiting).await["error"], "Connection is readonly");
    assert_eq!(heard.next().await, "Readonly Call slow Some(\"writeAndEdit\"): Connection is readonly");
    assert_eq!(heard.rest(), [""; 0]);
}

#[tokio::test]
async fn s171_s179_writable_is_a_right_that_needs_no_hook() {
    let (server, mut heard) = club().await;
    let mut viewer = server.join("/agents/club/a?mode=view&role=editor&_pk=viewer", true).await;
    for method in ["write", "writeAndEdit"] {
        assert_eq!(viewer.call_error(method, json!([])).await, "Connection is readonly", "{method}");
        let told = heard.next().await;
        assert_eq!(told, format!("Readonly Call viewer Some(\"{method}\"): Connection is readonly"));
    }
    let mut editor = member(&server, "editor").await;
    editor.call("write", json!([])).await;
    assert_eq!(heard.next().await, "write runs");
    editor.call("writeAndEdit", json!([])).await;
    assert!(heard.next().await.starts_with("editor editor"));
    assert_eq!(heard.next().await, "both run");
    let mut guest = member(&server, "guest").await;
    assert_eq!(guest.call_error("writeAndEdit", json!([])).await, "Insufficient permissions");
}

#[tokio::test]
async fn s172_a_handler_asks_before_it_begins() {
    let (server, mut heard) = club().await;
    let mut viewer = server.join("/agents/club/a?mode=view&_pk=viewer", true).await;
    assert_eq!(viewer.call_error("sendMail", json!([])).await, "Connection is readonly");
    assert_eq!(heard.next().await, "Readonly Call viewer Some(\"sendMail\"): Connection is readonly");
    viewer.send("a message").await;
    assert_eq!(viewer.next().await.text(), "readonly");
    assert_eq!(heard.next().await, "Readonly Call viewer None: Connection is readonly");
    let mut editor = member(&server, "editor").await;
    editor.call("sendMail", json!([])).await;
    assert_eq!(heard.next().await, "a mail was sent");
    editor.send("a message").await;
    assert_eq!(editor.next().await.text(), "may write");
    let answer = reqwest::get(server.url("/agents/club/a?mode=view")).await.expect("an answer");
    assert_eq!(answer.text().await.expect("a text"), "no connection");
}

#[tokio::test]
async fn s179_a_hook_that_is_compiled_out_gives_no_right() {
    let (server, _heard) = club().await;
    let mut client = server.join("/agents/closed/a", false).await;
    assert_eq!(client.call_error("edit", json!([])).await, "Insufficient permissions");
}

#[tokio::test]
async fn s180_rights_belong_to_the_connection_and_not_to_the_user() {
    let (server, _heard) = club().await;
    // One user with two windows: each connection has its own rights.
    let mut window = server.join("/agents/club/a?role=editor&user=ada", true).await;
    let mut another = server.join("/agents/club/a?role=guest&user=ada&mode=view", true).await;
    assert_eq!(window.call("edit", json!([1])).await, 1);
    assert_eq!(another.call_error("edit", json!([1])).await, "Insufficient permissions");
    assert_eq!(another.call_error("write", json!([])).await, "Connection is readonly");
    let told: Value = another.json().await;
    assert_eq!(told["state"]["count"], 1);
}
