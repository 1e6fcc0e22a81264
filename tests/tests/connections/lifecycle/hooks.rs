//! Hooks in all their forms: plain or async, with the types that the agent names.

use std::marker::PhantomData;
use std::sync::Arc;

use agents::prelude::*;
use agents_tests::{Notes, Recorder, TestServer, recorder};
use serde_json::Value;

use crate::support::response_text::get;

/// The reason why some tests need an agent that stays in memory.
const ONE_START: &str = "it counts starts";

#[agent(env = Recorder, connection = String)]
#[derive(Default)]
struct Synchronous;

#[agent]
impl Synchronous {
    #[hook]
    fn on_start(&mut self, cx: &Context<Self>) {
        cx.env().note("start");
    }

    #[hook]
    fn authorize(&self, cx: &Context<Self>) -> Result<String, Refusal> {
        cx.env().note("authorize");
        Ok("let in".to_owned())
    }

    #[hook]
    fn connection_tags(&self, cx: &Context<Self>) -> [&'static str; 1] {
        cx.env().note("tags");
        ["tag"]
    }

    #[hook]
    fn should_connection_be_readonly(&self, cx: &Context<Self>) -> bool {
        cx.env().note("readonly");
        false
    }

    #[hook]
    fn should_send_protocol_messages(&self, cx: &Context<Self>) -> bool {
        cx.env().note("protocol");
        true
    }

    #[hook]
    fn on_connect(&self, cx: &Context<Self>, conn: &Connection<Self>) -> Result<()> {
        cx.env().note("connect");
        conn.send(conn.state()?.as_str())
    }

    #[hook]
    fn on_message(&self, cx: &Context<Self>, message: Message) {
        cx.env().note(message.text().unwrap_or_default());
    }

    #[hook]
    fn on_request(&self, cx: &Context<Self>, _request: Request) -> &'static str {
        cx.env().note("request");
        "answer"
    }

    #[hook]
    fn on_close(&self, cx: &Context<Self>) {
        cx.env().note("close");
    }
}

#[agent(env = Recorder, connection = String)]
#[derive(Default)]
struct Asynchronous;

#[agent]
impl Asynchronous {
    #[hook]
    async fn on_start(&mut self, cx: &Context<Self>) -> Result<()> {
        tokio::task::yield_now().await;
        cx.env().note("start");
        Ok(())
    }

    #[hook]
    async fn authorize(&self, cx: &Context<Self>) -> Result<String, Refusal> {
        tokio::task::yield_now().await;
        cx.env().note("authorize");
        Ok("let in".to_owned())
    }

    #[hook]
    async fn connection_tags(&self, cx: &Context<Self>) -> Result<Vec<String>> {
        tokio::task::yield_now().await;
        cx.env().note("tags");
        Ok(vec!["tag".to_owned()])
    }

    #[hook]
    async fn should_connection_be_readonly(&self, cx: &Context<Self>) -> Result<bool> {
        tokio::task::yield_now().await;
        cx.env().note("readonly");
        Ok(false)
    }

    #[hook]
    async fn should_send_protocol_messages(&self, cx: &Context<Self>) -> Result<bool> {
        tokio::task::yield_now().await;
        cx.env().note("protocol");
        Ok(true)
    }

    #[hook]
    async fn on_connect(&self, cx: &Context<Self>, conn: &Connection<Self>) -> Result<()> {
        tokio::task::yield_now().await;
        cx.env().note("connect");
        conn.send(conn.state()?.as_str())
    }

    #[hook]
    async fn on_message(&self, cx: &Context<Self>, message: Message) -> Result<()> {
        tokio::task::yield_now().await;
        cx.env().note(message.text().unwrap_or_default());
        Ok(())
    }

    #[hook]
    async fn on_request(&self, cx: &Context<Self>, _request: Request) -> Result<Response> {
        tokio::task::yield_now().await;
        cx.env().note("request");
        Ok(Response::new("answer".into()))
    }

    #[hook]
    async fn on_close(&self, cx: &Context<Self>, _close: Close) -> Result<()> {
        tokio::task::yield_now().await;
        cx.env().note("close");
        Ok(())
    }
}

async fn every_hook_runs(server: &TestServer, class: &str, mut notes: Notes) {
    let path = format!("/agents/{class}/one");
    let mut client = server.connect(&path).await;
    // The message arrives before the connect hook has finished, and is handled after it.
    client.send("message").await;
    client.greeting(false).await;
    assert_eq!(client.next().await.text(), "let in");
    client.drain().await;
    assert_eq!(get(server, &path).await, (200, "answer".to_owned()));
    client.close(None).await;
    let expected =
        ["start", "authorize", "tags", "readonly", "protocol", "connect", "message", "request", "close"];
    for expected in expected {
        assert_eq!(notes.next().await, expected);
    }
}

#[tokio::test]
async fn s16_hooks_may_be_plain() {
    let (recorder, notes) = recorder();
    let agents = Agents::new().register::<Synchronous>().env(recorder);
    let server = TestServer::start_resident(agents, ONE_START).await;
    every_hook_runs(&server, "synchronous", notes).await;
}

#[tokio::test]
async fn s16_hooks_may_be_async() {
    let (recorder, notes) = recorder();
    let agents = Agents::new().register::<Asynchronous>().env(recorder);
    let server = TestServer::start_resident(agents, ONE_START).await;
    every_hook_runs(&server, "asynchronous", notes).await;
}

#[agent(env = Recorder)]
#[derive(Default)]
struct Named;

#[agent]
impl Named {
    #[hook]
    fn on_start(&mut self, cx: &Context<Self>) {
        cx.env().note(json!(["start", cx.name()]));
    }

    #[hook]
    fn connection_tags(&self, cx: &Context<Self>) -> Vec<String> {
        cx.env().note(json!(["tags", cx.name()]));
        vec![]
    }

    #[hook]
    fn on_connect(&self, cx: &Context<Self>) {
        cx.env().note(json!(["connect", cx.name()]));
    }

    #[hook]
    fn on_message(&self, cx: &Context<Self>, _message: Message) {
        cx.env().note(json!(["message", cx.name()]));
    }

    #[hook]
    fn on_request(&self, cx: &Context<Self>, _request: Request) -> String {
        cx.name().to_owned()
    }

    #[hook]
    fn on_close(&self, cx: &Context<Self>) {
        cx.env().note(json!(["close", cx.name()]));
    }
}

#[tokio::test]
async fn s17_hooks_know_the_name_as_it_stands_in_the_address() {
    let (recorder, mut notes) = recorder();
    let agents = Agents::new().register::<Named>().env(recorder);
    let server = TestServer::start_resident(agents, ONE_START).await;
    for name in ["plain", "with%20space", "caf%C3%A9", "a%2Fb", "UPPER", "100%25"] {
        let path = format!("/agents/named/{name}/more/path?name=other");
        let mut client = server.connect(&path).await;
        let identity = client.json().await;
        assert_eq!(identity, json!({ "type": "cf_agent_identity", "name": name, "agent": "named" }));
        client.send("hello").await;
        assert_eq!(get(&server, &path).await, (200, name.to_owned()));
        client.close(None).await;
        for hook in ["start", "tags", "connect", "message", "close"] {
            assert_eq!(notes.next().await, json!([hook, name]));
        }
    }
}

#[wire]
#[derive(Clone, Default)]
struct Board {
    lines: Vec<String>,
}

#[wire]
#[derive(Clone)]
struct Member {
    name: String,
}

struct Settings {
    greeting: &'static str,
}

#[agent(state = Board, connection = Member, env = Settings)]
#[derive(Default)]
struct Typed;

#[agent]
impl Typed {
    #[hook]
    fn authorize(&self, req: &ConnectRequest) -> Result<Member, Refusal> {
        Ok(Member { name: req.query("name").unwrap_or_default().into_owned() })
    }

    #[callable]
    fn sign(&self, cx: &Context<Self>, conn: &Connection<Self>) -> Result<usize> {
        let line = format!("{} {}", cx.env().greeting, conn.state()?.name);
        cx.update_state(|board| {
            board.lines.push(line);
            board.lines.len()
        })
    }

    #[callable]
    fn members(&self, cx: &View<Self>) -> Result<Vec<Arc<Member>>> {
        cx.connections().map(|conn| conn.state()).collect()
    }
}

/// A check that the methods take and return the types that the class names, and no others.
///
/// The type lists every name of the prelude. A pointer to a function has exactly one type.
struct Names<A>(PhantomData<A>);

impl Names<Typed> {
    const STATE: fn(&Context<Typed>) -> Result<Arc<Board>> = Context::state;
    const SET_STATE: fn(&Context<Typed>, Board) -> Result<()> = Context::set_state;
    const VIEW_STATE: fn(&View<Typed>) -> Result<Arc<Board>> = View::state;
    const ENV: fn(&Context<Typed>) -> &Settings = Context::env;
    const MEMBER: fn(&Connection<Typed>) -> Result<Arc<Member>> = Connection::state;
    const TRY_MEMBER: fn(&Connection<Typed>) -> Result<Option<Arc<Member>>> = Connection::try_state;
    const SET_MEMBER: fn(&Connection<Typed>, Member) -> Result<()> = Connection::set_state;
    const TAGS: fn(&Connection<Typed>) -> &[String] = Connection::tags;
    const JSON: fn(&Message) -> Result<Value> = Message::json;
}

#[tokio::test]
async fn s18_s19_s34_s51_types_of_state_connection_and_env_are_the_agents() {
    let agents = Agents::new().register::<Typed>().env(Settings { greeting: "hello" });
    let server = TestServer::start(agents).await;
    let mut ada = server.join("/agents/typed/one?name=Ada", true).await;
    let mut bob = server.join("/agents/typed/one?name=Bob", true).await;
    assert_eq!(ada.call("sign", json!([])).await, 1);
    assert_eq!(bob.call("sign", json!([])).await, 2);
    assert_eq!(ada.call("members", json!([])).await, json!([{ "name": "Ada" }, { "name": "Bob" }]));
    let frames = ada.drain_json().await;
    assert_eq!(frames.last().expect("two frames")["state"], json!({ "lines": ["hello Ada", "hello Bob"] }));
    // The constants exist, so the signatures are correct.
    let _ = (
        Names::<Typed>::STATE,
        Names::<Typed>::SET_STATE,
        Names::<Typed>::VIEW_STATE,
        Names::<Typed>::ENV,
        Names::<Typed>::MEMBER,
        Names::<Typed>::TRY_MEMBER,
        Names::<Typed>::SET_MEMBER,
        Names::<Typed>::TAGS,
        Names::<Typed>::JSON,
    );
}

#[tokio::test]
async fn s19_a_missing_env_is_an_error_at_the_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let error = Agents::new().register::<Typed>().data_dir(folder.path()).start().expect_err("no env");
    assert_eq!(error.code(), "no_env");
    assert!(error.to_string().contains("Settings"), "{error}");
}
