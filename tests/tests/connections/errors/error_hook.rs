//! The error hook: errors of one connection, errors of the agent, and their effects.

use std::sync::Arc;

use agents::axum::response::IntoResponse;
use agents::errors::ErrorSource;
use agents::object::{DurableObject, ObjectContext, WebSocketUpgrade};
use agents::prelude::*;
use agents::serde_json;
use agents_tests::{Client, Notes, Received, Recorder, TestServer, patient, recorder};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::Semaphore;

use crate::support::captured_log;
use crate::support::response_text::{error_body, get};

#[wire]
#[derive(Clone, Default)]
struct Level {
    level: u32,
}

#[agent(env = Recorder, state = Level)]
#[derive(Default)]
struct Fragile;

#[agent]
impl Fragile {
    #[hook]
    fn on_connect(&self, req: &ConnectRequest) -> Result<()> {
        match req.query("fail") {
            Some(text) => Err(Error::msg(text.into_owned())),
            None => Ok(()),
        }
    }

    #[hook]
    fn on_message(&self, cx: &Context<Self>, message: Message) -> Result<()> {
        match message.text() {
            Some("spawn") => cx.spawn(async { Err::<(), _>(Error::msg("task failed")) }),
            Some("panic") => panic!("secret of the panic"),
            _ => Err(Error::msg("message failed")),
        }
    }

    #[hook]
    fn on_close(&self, cx: &Context<Self>, close: Close) -> Result<()> {
        cx.env().note(json!(["close", close.code, close.was_clean]));
        match close.code {
            4000 => Err(Error::msg("close failed")),
            _ => Ok(()),
        }
    }

    #[hook]
    fn on_request(&self, _request: Request) -> Result<Response> {
        Err(std::io::Error::other("secret of the request").into())
    }

    #[hook]
    fn on_state_changed(&self, change: StateChange<Self>) -> Result<()> {
        match change.state.level {
            0 => Ok(()),
            _ => Err(Error::msg("state hook failed")),
        }
    }

    #[hook]
    fn on_error(&self, cx: &Context<Self>, error: AgentError<Self>) -> Result<()> {
        let note = match &error {
            AgentError::Connection { connection, error } => {
                json!(["connection", connection.id(), error.to_string()])
            }
            AgentError::Server { error, source } => {
                let source = match source {
                    ErrorSource::Request => "request",
                    ErrorSource::StateHook => "state hook",
                    ErrorSource::Task => "task",
                    _ => "something else",
                };
                json!(["server", source, error.to_string()])
            }
            _ => json!("something new"),
        };
        cx.env().note(note);
        // An agent whose name begins with `passes-on` returns the error. Other agents have handled it.
        match cx.name().starts_with("passes-on") {
            true => Err(error.into_error()),
            false => Ok(()),
        }
    }
}

async fn fragile() -> (TestServer, Notes) {
    captured_log::keep();
    let (recorder, notes) = recorder();
    (TestServer::start(Agents::new().register::<Fragile>().env(recorder)).await, notes)
}

/// Sends raw bytes and returns the code of the close frame that the server answers with.
async fn broken(client: Client, bytes: &[u8]) -> u16 {
    let mut stream = client.into_stream();
    patient(stream.write_all(bytes)).await.expect("sending");
    let mut head = [0; 4];
    patient(stream.read_exact(&mut head)).await.expect("a close frame");
    assert_eq!(head[0], 0x88, "a close frame");
    assert!(head[1] > 2, "with a reason");
    let mut reason = vec![0; usize::from(head[1]) - 2];
    patient(stream.read_exact(&mut reason)).await.expect("a reason");
    u16::from_be_bytes([head[2], head[3]])
}

#[tokio::test]
async fn s11_a_broken_frame_is_an_error_of_its_connection() {
    let (server, mut notes) = fragile().await;
    let cases: [(&str, &[u8], u16); 5] = [
        ("opcode", &[0x83, 0x80, 1, 2, 3, 4], 1002),
        ("utf8", &[0x81, 0x82, 0, 0, 0, 0, 0xff, 0xff], 1007),
        ("unmasked", &[0x81, 0x01, b'x'], 1002),
        ("long-ping", &[0x89, 0xfe, 0, 126, 0, 0, 0, 0], 1002),
        ("reserved-bit", &[0xf1, 0x80, 0, 0, 0, 0], 1002),
    ];
    let mut other = server.join("/agents/fragile/one", true).await;
    for (id, bytes, code) in cases {
        let client = server.join(&format!("/agents/fragile/one?_pk={id}"), true).await;
        assert_eq!(broken(client, bytes).await, code, "{id}");
        let note = notes.next().await;
        assert_eq!((&note[0], &note[1]), (&json!("connection"), &json!(id)), "{note}");
        assert!(!note[2].as_str().expect("a text").is_empty());
        assert_eq!(notes.next().await, json!(["close", code, false]), "{id}");
    }
    // No other client noticed.
    assert_eq!(other.drain().await, []);
    assert_eq!(notes.so_far().len(), 0);
}

#[tokio::test]
async fn s11_a_failing_hook_of_a_connection_is_an_error_of_it() {
    let (server, mut notes) = fragile().await;
    let mut client = server.join("/agents/fragile/one?_pk=me", true).await;
    client.send("hello").await;
    assert_eq!(notes.next().await, json!(["connection", "me", "message failed"]));
    // The connection stays open.
    client.send_bytes(vec![1]).await;
    assert_eq!(notes.next().await, json!(["connection", "me", "message failed"]));
    assert_eq!(client.drain().await, []);
    client.close(Some((4000, ""))).await;
    assert_eq!(notes.next().await, json!(["close", 4000, true]));
    assert_eq!(notes.next().await, json!(["connection", "me", "close failed"]));

    // A failing connect hook closes the connection with a code that lets the client try again.
    let mut client = server.join("/agents/fragile/one?_pk=late&fail=not%20now", true).await;
    assert_eq!(client.next().await, Received::Close(1011, "not now".to_owned()));
    assert_eq!(notes.next().await, json!(["connection", "late", "not now"]));
}

#[tokio::test]
async fn s12_other_errors_belong_to_no_connection() {
    let (server, mut notes) = fragile().await;
    let (status, body) = get(&server, "/agents/fragile/one").await;
    assert_eq!(status, 500);
    assert!(body.starts_with(r#"{"code":"internal","message":"Internal error (id "#), "{body}");
    assert_eq!(notes.next().await, json!(["server", "request", "secret of the request"]));

    let mut client = server.join("/agents/fragile/one", true).await;
    client.send("spawn").await;
    assert_eq!(notes.next().await, json!(["server", "task", "task failed"]));
    client.send(r#"{"type":"cf_agent_state","state":{"level":2}}"#).await;
    assert_eq!(notes.next().await, json!(["server", "state hook", "state hook failed"]));
    assert_eq!(client.drain().await, []);
    assert_eq!(notes.so_far().len(), 0);
}

#[agent]
#[derive(Default)]
struct Bare;

#[agent]
impl Bare {
    #[hook]
    fn on_request(&self, request: Request) -> Result<Response> {
        match request.uri().query() {
            Some("io") => Err(std::io::Error::other("secret of the disk").into()),
            Some("said") => Err(Error::msg("come back tomorrow")),
            Some("panic") => panic!("secret of the panic"),
            _ => Ok("fine".into_response()),
        }
    }

    #[hook]
    fn on_message(&self, message: Message) -> Result<()> {
        match message.text() {
            Some(text) if text.starts_with('"') => Ok(serde_json::from_str::<Mood>(text).map(drop)?),
            _ => Err(Error::msg("message failed")),
        }
    }
}

#[wire]
enum Mood {
    Fine,
}

/// An object without error hooks.
#[derive(Default)]
struct Raw;

impl DurableObject for Raw {
    async fn fetch(&self, cx: &ObjectContext, mut request: Request) -> Result<Response> {
        if let Some(upgrade) = WebSocketUpgrade::take(&mut request) {
            cx.accept_web_socket(upgrade, ["raw"])?;
        }
        Ok("fine".into_response())
    }
}

#[tokio::test]
async fn s11_clients_that_break_the_protocol_do_not_fill_the_log() {
    captured_log::keep();
    let (recorder, mut notes) = recorder();
    let agents = Agents::new().register::<Fragile>().register::<Bare>().env(recorder);
    let server = TestServer::start(agents.register_object::<Raw>("raw")).await;
    // The cases are an agent with a hook that returns errors, an agent without a hook, and a plain object.
    for (path, state) in [
        ("/agents/fragile/passes-on-broken", Some(true)),
        ("/agents/bare/broken", Some(false)),
        ("/agents/raw/broken", None),
    ] {
        for bytes in [&[0x83, 0x80, 1, 2, 3, 4][..], &[0x81, 0x82, 0, 0, 0, 0, 0xff, 0xff]] {
            let mut client = server.connect(path).await;
            if let Some(state) = state {
                client.greeting(state).await;
            }
            broken(client, bytes).await;
            if path.contains("passes-on") {
                assert_eq!(notes.next().await[0], json!("connection"));
                assert_eq!(notes.next().await[0], json!("close"));
            } else {
                // This request is answered after the broken frame was handled.
                assert_eq!(get(&server, path).await.0, 200);
            }
        }
    }
    assert_eq!(captured_log::lines_with("broken"), Vec::<String>::new());
}

#[tokio::test]
async fn what_a_client_sends_makes_no_line_of_its_own_in_the_log() {
    captured_log::keep();
    let server = TestServer::start(Agents::new().register::<Bare>()).await;
    let mut client = server.join("/agents/bare/forged", false).await;
    client.send(r#""\n2026-01-01T00:00:00Z ERROR agents: a line of a client \u001b[31m""#).await;
    assert_eq!(client.drain().await, []);
    let lines = captured_log::errors_with("a line of a client");
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(!lines[0].starts_with("2026-01-01"), "{lines:?}");
    assert!(!lines[0].contains('\u{1b}'), "{lines:?}");
}

#[tokio::test]
async fn s13_without_the_hook_errors_are_logged_and_answered_with_500() {
    captured_log::keep();
    let server = TestServer::start(Agents::new().register::<Bare>()).await;
    let (status, body) = get(&server, "/agents/bare/logs-hidden?io").await;
    assert_eq!(status, 500);
    let body: serde_json::Value = serde_json::from_str(&body).expect("JSON");
    let id = body["id"].as_str().expect("an id");
    assert_eq!(body, json!({ "code": "internal", "message": format!("Internal error (id {id})"), "id": id }));
    let lines = captured_log::errors_with("logs-hidden");
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains("bare") && lines[0].contains("secret of the disk"), "{lines:?}");
    let lines = captured_log::errors_with(id);
    assert!(!lines.is_empty(), "the id leads to the detail");
    assert!(lines.iter().any(|line| line.contains("secret of the disk")), "{lines:?}");

    let said = (400, error_body("error", "come back tomorrow"));
    assert_eq!(get(&server, "/agents/bare/logs-said?said").await, said);
    assert_eq!(captured_log::errors_with("logs-said").len(), 0, "the handler has answered");

    let (status, body) = get(&server, "/agents/bare/logs-panic?panic").await;
    assert_eq!(status, 500);
    assert!(!body.contains("secret"), "{body}");
    let lines = captured_log::errors_with("logs-panic");
    assert!(lines.iter().any(|line| line.contains("secret of the panic")), "{lines:?}");
    assert_eq!(get(&server, "/agents/bare/logs-panic").await, (200, "fine".to_owned()));

    let mut client = server.join("/agents/bare/logs-message", false).await;
    client.send("hello").await;
    assert_eq!(client.drain().await, []);
    let lines = captured_log::errors_with("logs-message");
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains("message failed"), "{lines:?}");
}

#[tokio::test]
async fn s14_the_hook_swallows_an_error_or_passes_it_on() {
    let (server, mut notes) = fragile().await;
    let mut client = server.join("/agents/fragile/swallows?_pk=a", true).await;
    client.send("hello").await;
    assert_eq!(client.drain().await, []);
    assert_eq!(notes.so_far(), [json!(["connection", "a", "message failed"])]);
    assert_eq!(captured_log::errors_with("swallows"), Vec::<String>::new());

    let mut client = server.join("/agents/fragile/passes-on?_pk=b", true).await;
    client.send("hello").await;
    assert_eq!(client.drain().await, []);
    assert_eq!(notes.so_far(), [json!(["connection", "b", "message failed"])]);
    let lines = captured_log::errors_with("passes-on");
    assert!(lines.iter().any(|line| line.contains("message failed")), "{lines:?}");
}

#[tokio::test]
async fn s14_the_hook_sees_panics_and_the_agent_goes_on() {
    let (server, mut notes) = fragile().await;
    let mut client = server.join("/agents/fragile/one?_pk=me", true).await;
    client.send("panic").await;
    let note = notes.next().await;
    assert_eq!((&note[0], &note[1]), (&json!("connection"), &json!("me")), "{note}");
    assert!(note[2].as_str().expect("a text").contains("secret of the panic"), "{note}");
    client.send("hello").await;
    assert_eq!(notes.next().await, json!(["connection", "me", "message failed"]));
    assert_eq!(client.drain().await, []);
}

#[agent(env = Arc<Semaphore>, state = Level)]
#[derive(Default)]
struct Overrun;

#[agent]
impl Overrun {
    #[hook]
    fn should_connection_be_readonly(&self) -> bool {
        true
    }

    #[hook]
    async fn on_state_rejected(&self, cx: &Context<Self>, _rejection: StateRejection<Self>) -> Result<()> {
        let _held = cx.env().acquire().await?;
        Ok(())
    }
}

#[tokio::test]
async fn more_rejections_than_the_hook_takes_are_logged_once() {
    captured_log::keep();
    let go = Arc::new(Semaphore::new(0));
    let agents = Agents::new().register::<Overrun>().env(go.clone());
    let server = TestServer::start_resident(agents, "the hook of 1,024 rejections holds it").await;
    let mut client = server.join("/agents/overrun/many-rejections", true).await;
    for _ in 0..2 {
        for _ in 0..1500 {
            client.send(r#"{"type":"cf_agent_state","state":{"level":1}}"#).await;
        }
        for _ in 0..1500 {
            assert!(client.next().await.text().contains("readonly"));
        }
        assert_eq!(captured_log::lines_with("many-rejections").len(), 1);
    }
    // Once all rejections were reported, a new flood is reported again.
    go.add_permits(5000);
    while go.available_permits() < 5000
        || !server.host().status("overrun", "many-rejections").expect("it is there").pinned_by.is_empty()
    {
        tokio::task::yield_now().await;
    }
    client.send(r#"{"type":"cf_agent_state","state":{"level":1}}"#).await;
    assert!(client.next().await.text().contains("readonly"));
    go.forget_permits(5000);
    for _ in 0..1500 {
        client.send(r#"{"type":"cf_agent_state","state":{"level":1}}"#).await;
    }
    for _ in 0..1500 {
        assert!(client.next().await.text().contains("readonly"));
    }
    assert_eq!(captured_log::lines_with("many-rejections").len(), 2);
}
