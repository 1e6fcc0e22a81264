//! Sources of changes and of rejected changes: every attempt is reported with its reason.

use std::sync::Arc;

use agents::prelude::*;
use agents::serde_json::Value;
use agents::state::{Attempt, RejectionKind};
use agents_tests::{Client, TestServer};
use tokio::sync::Semaphore;

use crate::support::{Heard, Tell, line, push};

#[wire]
#[derive(Clone, Default)]
struct Text {
    body: String,
}

/// An agent that rejects a body `bad`. A connection with `?mode=view` is read-only.
#[agent(state = Text, env = Tell)]
#[derive(Default)]
struct Gate;

/// Describes the source of a change; one match covers all cases.
fn who(source: &StateSource<Gate>) -> String {
    let told = match source {
        StateSource::Client(conn) => format!("push of {}", conn.id()),
        StateSource::Server { via: Some(conn), callable: Some(name) } => format!("{name} of {}", conn.id()),
        StateSource::Server { via: Some(conn), callable: None } => format!("hook of {}", conn.id()),
        _ => "the agent".to_owned(),
    };
    let questions = (source.is_client(), source.is_callable(), source.is_agent());
    let expected = match source {
        StateSource::Client(_) => (true, false, false),
        StateSource::Server { callable: Some(_), .. } => (false, true, false),
        _ => (false, false, source.connection().is_none()),
    };
    assert_eq!(questions, expected, "{source:?}");
    told
}

#[agent]
impl Gate {
    #[hook]
    fn should_connection_be_readonly(&self, req: &ConnectRequest) -> bool {
        req.query("mode").as_deref() == Some("view")
    }

    #[hook]
    fn validate_state_change(&self, next: &Text) -> Result<()> {
        match next.body.as_str() {
            "bad" => Err(Error::msg("a bad word")),
            _ => Ok(()),
        }
    }

    #[hook]
    fn on_state_changed(
        &self,
        cx: &Context<Self>,
        change: StateChange<Self>,
        conn: Option<&Connection<Self>>,
    ) {
        assert_eq!(conn, change.source.connection());
        assert!(cx.caller().is_none(), "the hook is the agent's own work");
        let before = change.previous.as_ref().map_or("nothing", |text| &text.body);
        cx.env().tell(format!("{}: {before} -> {}", who(&change.source), change.state.body));
    }

    #[hook]
    fn on_state_rejected(&self, cx: &Context<Self>, rejection: StateRejection<Self>) {
        let tried = match rejection.attempt {
            Attempt::State => "state",
            Attempt::Call => "call",
            _ => "more",
        };
        let why = match rejection.kind {
            RejectionKind::Readonly => "readonly",
            RejectionKind::Validation => "validation",
            RejectionKind::Invalid => "invalid",
            _ => "another",
        };
        let message: String = rejection.message.chars().take(40).collect();
        cx.env().tell(format!("{why} {tried}, {}: {message}", who(&rejection.source)));
    }

    #[hook]
    fn on_error(&self, cx: &Context<Self>, error: AgentError<Self>) {
        cx.env().tell(format!("error {}", error.error().code()));
    }

    #[hook]
    fn on_message(&self, cx: &Context<Self>, message: Message) -> Result<()> {
        cx.set_state(Text { body: message.text().unwrap_or_default().to_owned() })
    }

    #[hook]
    fn on_request(&self, cx: &Context<Self>, request: Request) -> Result<&'static str> {
        let body = request.uri().query().unwrap_or_default().to_owned();
        cx.set_state(Text { body })?;
        Ok("written")
    }

    #[callable]
    fn write(&self, cx: &Context<Self>, body: String) -> Result<()> {
        cx.set_state(Text { body })
    }

    #[callable]
    fn write_large(&self, cx: &Context<Self>) -> Result<()> {
        cx.set_state(Text { body: "x".repeat(5 << 20) })
    }

    #[callable(write)]
    fn guarded(&self) {}

    /// Ignores the errors and continues.
    #[callable]
    fn ignores(&self, cx: &Context<Self>) -> bool {
        let first = self.write(cx, "bad".to_owned()).is_err();
        let second = cx.update_state(|text| text.body.push_str("bad")).is_err();
        first || second
    }

    #[callable]
    fn in_a_transaction(&self, cx: &Context<Self>) -> Result<()> {
        cx.sql().transaction(|_| self.write(cx, "bad".to_owned()))
    }

    #[callable]
    fn then_panics(&self, cx: &Context<Self>) {
        let refused = self.write(cx, "bad".to_owned()).is_err();
        assert!(!refused, "on purpose");
    }

    #[callable]
    fn in_a_task(&self, cx: &Context<Self>, body: String) -> Result<()> {
        let mine = cx.clone();
        cx.spawn(async move {
            tokio::task::yield_now().await;
            mine.set_state(Text { body })
        })
    }

    #[callable]
    fn as_agent(&self, cx: &Context<Self>, body: String) -> Result<()> {
        cx.as_agent().set_state(Text { body })
    }
}

async fn gate() -> (TestServer, Heard, Client, Client) {
    let (tell, mut heard) = line();
    let server = TestServer::start(Agents::new().register::<Gate>().env(tell)).await;
    let viewer = server.join("/agents/gate/a?mode=view&_pk=eve", true).await;
    let editor = server.join("/agents/gate/a?_pk=ada", true).await;
    assert_eq!(heard.next().await, "the agent: nothing -> ", "the initial state");
    (server, heard, viewer, editor)
}

fn body(text: &str) -> Value {
    json!({ "body": text })
}

#[tokio::test]
async fn s155_a_push_a_callable_a_hook_and_the_agent_are_told_apart() {
    let (server, mut heard, mut viewer, mut editor) = gate().await;
    editor.send(push(&body("1"))).await;
    assert_eq!(heard.next().await, "push of ada:  -> 1");
    editor.call("write", json!(["2"])).await;
    assert_eq!(heard.next().await, "write of ada: 1 -> 2");
    editor.send("3").await;
    assert_eq!(heard.next().await, "hook of ada: 2 -> 3");
    reqwest::get(server.url("/agents/gate/a?4")).await.expect("an answer");
    assert_eq!(heard.next().await, "the agent: 3 -> 4");
    editor.call("inATask", json!(["5"])).await;
    assert_eq!(heard.next().await, "inATask of ada: 4 -> 5");
    viewer.call("asAgent", json!(["6"])).await;
    assert_eq!(heard.next().await, "the agent: 5 -> 6");
    assert_eq!(heard.rest(), [""; 0]);
}

#[tokio::test]
async fn s177_every_refused_attempt_is_heard_of() {
    let (_server, mut heard, mut viewer, mut editor) = gate().await;
    viewer.send(push(&body("x"))).await;
    assert_eq!(heard.next().await, "readonly state, push of eve: Connection is readonly");
    editor.send(push(&json!(7))).await;
    assert!(heard.next().await.starts_with("invalid state, push of ada: invalid type: integer `7`"));
    editor.send(push(&body("bad"))).await;
    assert_eq!(heard.next().await, "validation state, push of ada: a bad word");
    for (who, client, why) in
        [("eve", &mut viewer, "readonly state"), ("ada", &mut editor, "validation state")]
    {
        let message = if who == "eve" { "Connection is readonly" } else { "a bad word" };
        client.call_error("write", json!(["bad"])).await;
        assert_eq!(heard.next().await, format!("{why}, write of {who}: {message}"));
        client.send("bad").await;
        // The error hook runs in the handler or task. The rejection hook runs after it.
        assert!(heard.next().await.starts_with("error "));
        assert_eq!(heard.next().await, format!("{why}, hook of {who}: {message}"));
        client.call("inATask", json!(["bad"])).await;
        assert!(heard.next().await.starts_with("error "));
        assert_eq!(heard.next().await, format!("{why}, inATask of {who}: {message}"));
    }
    viewer.call_error("guarded", json!([])).await;
    assert_eq!(heard.next().await, "readonly call, guarded of eve: Connection is readonly");
    editor.call("guarded", json!([])).await;
    let text = editor.call_error("writeLarge", json!([])).await;
    assert!(text.contains("the state has"), "{text}");
    assert!(heard.next().await.starts_with("invalid state, writeLarge of ada: the state has "));
    assert_eq!(heard.rest(), [""; 0]);
}

#[tokio::test]
async fn s177_an_attempt_is_heard_of_whatever_the_handler_does_about_it() {
    let (_server, mut heard, mut viewer, mut editor) = gate().await;
    assert_eq!(viewer.call("ignores", json!([])).await, true);
    for _ in 0..2 {
        assert_eq!(heard.next().await, "readonly state, ignores of eve: Connection is readonly");
    }
    for (method, error) in [("inATransaction", "a bad word"), ("thenPanics", "Internal error")] {
        let text = editor.call_error(method, json!([])).await;
        assert!(text.starts_with(error), "{text}");
        assert_eq!(heard.next().await, format!("validation state, {method} of ada: a bad word"));
    }
    assert_eq!(heard.rest(), [""; 0]);
}

struct Desk {
    tell: Tell,
    open: Arc<Semaphore>,
}

/// An agent whose rejection hook is slow.
#[agent(state = Text, env = Desk)]
#[derive(Default)]
struct Slow;

#[agent]
impl Slow {
    #[hook]
    fn should_connection_be_readonly(&self) -> bool {
        true
    }

    #[hook]
    async fn on_state_rejected(&self, cx: &Context<Self>, rejection: StateRejection<Self>) -> Result<()> {
        let _place = cx.env().open.acquire().await?;
        cx.env().tell.tell(rejection.message);
        Ok(())
    }
}

#[tokio::test]
async fn s177_a_flood_of_attempts_does_not_pile_up() {
    let (tell, mut heard) = line();
    let open = Arc::new(Semaphore::new(0));
    let desk = Desk { tell, open: open.clone() };
    let server = TestServer::start(Agents::new().register::<Slow>().env(desk)).await;
    let mut viewer = server.join("/agents/slow/a", true).await;
    for _ in 0..1_200 {
        viewer.send(push(&body("x"))).await;
        assert_eq!(viewer.json().await["error"], "Connection is readonly");
    }
    open.add_permits(1);
    for _ in 0..1_024 {
        heard.next().await;
    }
    viewer.drain().await;
    assert_eq!(heard.rest(), [""; 0], "the others are in the log");
    // The slots are free again.
    viewer.send(push(&body("x"))).await;
    heard.next().await;
}
