//! Changes of the state: validation, reports, and refusals.

use agents::errors::ErrorSource;
use agents::prelude::*;
use agents::serde_json::Value;
use agents::state::RejectionKind;
use agents_tests::TestServer;

use crate::support::{Heard, Tell, changed, line, push};

const REJECTED: &str = r#"{"type":"cf_agent_state_error","error":"State update rejected"}"#;

#[wire]
#[derive(Clone, Default)]
struct Stock {
    count: i64,
    #[serde(default)]
    locked: bool,
}

/// A stock that is never negative and that only the server can lock.
#[agent(state = Stock, env = Tell)]
#[derive(Default)]
struct Shelf;

#[agent]
impl Shelf {
    #[hook]
    fn should_connection_be_readonly(&self, req: &ConnectRequest) -> bool {
        req.query("mode").as_deref() == Some("view")
    }

    #[hook]
    fn validate_state_change(&self, next: &Stock, source: &StateSource<Self>) -> Result<()> {
        if next.locked && source.is_client() {
            return Err(Error::msg("only the server locks"));
        }
        match next.count {
            i64::MIN..0 => Err(Error::msg("a count is never negative")),
            // The cause must not reach a client.
            666 => Err(std::io::Error::other("the secret number"))?,
            _ => Ok(()),
        }
    }

    #[hook]
    async fn on_state_changed(&self, cx: &Context<Self>, change: StateChange<Self>) -> Result<()> {
        let who = match &change.source {
            StateSource::Server { via: Some(conn), .. } => format!("server for {}", conn.id()),
            StateSource::Client(conn) => format!("client {}", conn.id()),
            _ => "server".to_owned(),
        };
        let before = change.previous.map_or(-1, |stock| stock.count);
        let stored = cx.state()?.count;
        cx.env().tell(format!("{who}: {before} -> {} ({stored})", change.state.count));
        match change.state.count {
            13 => Err(Error::msg("an unlucky number")),
            99 => cx.update_state(|stock| stock.count = 100),
            _ => cx.broadcast("hook"),
        }
    }

    #[hook]
    fn on_state_rejected(&self, cx: &Context<Self>, rejection: StateRejection<Self>) {
        let who = rejection.source.connection().map_or("agent", |conn| conn.id());
        let client = rejection.source.is_client();
        let kind = match rejection.kind {
            RejectionKind::Readonly => "readonly",
            RejectionKind::Validation => "validation",
            RejectionKind::Invalid => "invalid",
            _ => "another",
        };
        cx.env().tell(format!("{kind} {who} {client}: {}", rejection.message));
    }

    #[hook]
    fn on_error(&self, cx: &Context<Self>, error: AgentError<Self>) {
        let source = match &error {
            AgentError::Server { source: ErrorSource::StateHook, .. } => "state hook",
            _ => "elsewhere",
        };
        cx.env().tell(format!("error in {source}: {}", error.error()));
    }

    #[hook]
    fn on_request(&self, cx: &Context<Self>, _: Request) -> Result<&'static str> {
        cx.update_state(|stock| stock.count += 1)?;
        Ok("done")
    }

    #[callable]
    fn set(&self, cx: &Context<Self>, count: i64) -> Result<()> {
        cx.set_state(Stock { count, locked: false })
    }

    #[callable]
    fn lock(&self, cx: &Context<Self>) -> Result<()> {
        cx.update_state(|stock| stock.locked = true)
    }

    #[callable]
    fn count(&self, cx: &View<Self>) -> Result<i64> {
        Ok(cx.state()?.count)
    }
}

async fn shelf() -> (TestServer, Heard) {
    let (tell, mut heard) = line();
    let server = TestServer::start(Agents::new().register::<Shelf>().env(tell)).await;
    server.join("/agents/shelf/a", true).await.close(None).await;
    assert_eq!(heard.next().await, "server: -1 -> 0 (0)", "the initial state");
    (server, heard)
}

fn stock(count: i64) -> Value {
    json!({ "count": count, "locked": false })
}

#[tokio::test]
async fn s140_s145_a_rejected_push_is_told_to_the_sender_alone() {
    let (server, mut heard) = shelf().await;
    let mut client = server.join("/agents/shelf/a?_pk=ada", true).await;
    let mut other = server.join("/agents/shelf/a", true).await;
    for (state, reason) in [
        (stock(-1), "validation ada true: a count is never negative"),
        (stock(666), "validation ada true: the secret number"),
        (json!({ "count": 1, "locked": true }), "validation ada true: only the server locks"),
    ] {
        client.send(push(&state)).await;
        assert_eq!(client.next().await.text(), REJECTED);
        assert_eq!(heard.next().await, reason, "the agent knows the reason");
    }
    for state in [json!(null), json!({}), json!({ "count": "1" }), json!({ "count": 1.5 })] {
        client.send(push(&state)).await;
        assert_eq!(client.next().await.text(), REJECTED, "{state} is not a stock");
        assert!(heard.next().await.starts_with("invalid ada true: "));
    }
    assert_eq!(other.call("count", json!([])).await, 0);
    assert_eq!((client.drain().await, other.drain().await), (vec![], vec![]));
    // The connection still works.
    client.send(push(&stock(3))).await;
    assert_eq!(other.json().await, changed(&stock(3)));
}

#[tokio::test]
async fn s145_readonly_is_checked_before_validation() {
    let (server, mut heard) = shelf().await;
    let mut viewer = server.join("/agents/shelf/a?mode=view&_pk=eve", true).await;
    for state in [stock(-1), json!("nonsense"), stock(1)] {
        viewer.send(push(&state)).await;
        assert_eq!(viewer.json().await["error"], "Connection is readonly");
        assert_eq!(heard.next().await, "readonly eve true: Connection is readonly");
    }
    assert_eq!(viewer.call_error("set", json!([-1])).await, "Connection is readonly");
    assert_eq!(heard.next().await, "readonly eve false: Connection is readonly", "a refused call too");
}

#[tokio::test]
async fn s145_a_call_reads_why_its_change_was_refused() {
    let (server, mut heard) = shelf().await;
    let mut client = server.join("/agents/shelf/a?_pk=ada", true).await;
    assert_eq!(client.call_error("set", json!([-1])).await, "a count is never negative");
    assert_eq!(heard.next().await, "validation ada false: a count is never negative");
    let text = client.call_error("set", json!([666])).await;
    assert!(text.starts_with("Internal error (id ") && !text.contains("secret"), "{text}");
    assert_eq!(client.call("count", json!([])).await, 0);
    assert_eq!(client.drain().await, []);
    // The server may make the same change.
    client.call("lock", json!([])).await;
    assert_eq!(client.json().await, changed(&json!({ "count": 0, "locked": true })));
}

#[tokio::test]
async fn s154_s155_the_hook_knows_who_changed_what() {
    let (server, mut heard) = shelf().await;
    let mut client = server.join("/agents/shelf/a?_pk=ada", true).await;
    client.send(push(&stock(1))).await;
    assert_eq!(heard.next().await, "client ada: 0 -> 1 (1)");
    client.call("set", json!([2])).await;
    assert_eq!(heard.next().await, "server for ada: 1 -> 2 (2)");
    reqwest::get(server.url("/agents/shelf/a")).await.expect("an answer");
    assert_eq!(heard.next().await, "server: 2 -> 3 (3)");
}

#[tokio::test]
async fn s154_the_hook_runs_after_the_change_was_sent() {
    let (server, _heard) = shelf().await;
    let mut client = server.join("/agents/shelf/a", true).await;
    let mut other = server.join("/agents/shelf/a", true).await;
    for count in 1..=12 {
        client.send(push(&stock(count))).await;
        assert_eq!(other.json().await, changed(&stock(count)));
        assert_eq!(other.next().await.text(), "hook");
        assert_eq!(client.next().await.text(), "hook");
        client.call("set", json!([0])).await;
        assert_eq!(other.json().await, changed(&stock(0)));
        assert_eq!(other.next().await.text(), "hook");
        assert_eq!(client.json().await, changed(&stock(0)));
        assert_eq!(client.next().await.text(), "hook");
    }
}

#[tokio::test]
async fn s154_an_error_in_the_hook_changes_nothing() {
    let (server, mut heard) = shelf().await;
    let mut client = server.join("/agents/shelf/a?_pk=ada", true).await;
    let mut other = server.join("/agents/shelf/a", true).await;
    client.send(push(&stock(13))).await;
    assert_eq!(heard.next().await, "client ada: 0 -> 13 (13)");
    assert_eq!(heard.next().await, "error in state hook: an unlucky number");
    assert_eq!(other.json().await, changed(&stock(13)));
    assert_eq!(client.drain().await, [], "the sender gets no error");
    assert_eq!(client.call("count", json!([])).await, 13);
}

#[tokio::test]
async fn s154_the_hook_may_change_the_state_again() {
    let (server, mut heard) = shelf().await;
    let mut client = server.join("/agents/shelf/a?_pk=ada", true).await;
    let mut other = server.join("/agents/shelf/a", true).await;
    client.send(push(&stock(99))).await;
    assert_eq!(heard.next().await, "client ada: 0 -> 99 (99)");
    assert_eq!(heard.next().await, "server: 99 -> 100 (100)");
    assert_eq!(other.json().await, changed(&stock(99)));
    assert_eq!(other.json().await, changed(&stock(100)));
    assert_eq!(client.json().await, changed(&stock(100)), "the sender gets the hook's state too");
}
