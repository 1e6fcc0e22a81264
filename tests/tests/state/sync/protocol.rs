//! The frames of the protocol on connect, and connections without protocol frames.

use agents::prelude::*;
use agents::serde_json::Value;
use agents_tests::{Received, TestServer};

use crate::support::{changed, push};

#[wire]
#[derive(Clone, Default)]
struct Reading {
    degrees: i64,
}

/// A device and the clients that watch it. A connection with `?protocol=binary` gets no protocol frames.
#[agent(state = Reading)]
#[derive(Default)]
struct Device;

#[agent]
impl Device {
    #[hook]
    fn should_send_protocol_messages(&self, req: &ConnectRequest) -> bool {
        req.query("protocol").as_deref() != Some("binary")
    }

    #[hook]
    fn on_connect(&self, conn: &Connection<Self>) -> Result<()> {
        conn.send(format!("protocol: {}", conn.is_protocol_enabled()))
    }

    #[hook]
    fn on_message(&self, cx: &Context<Self>, conn: &Connection<Self>, message: Message) -> Result<()> {
        match message.binary() {
            // Two bytes in big-endian order.
            Some(bytes) if bytes.len() == 2 => {
                let degrees = i64::from(bytes[0]) * 256 + i64::from(bytes[1]);
                cx.set_state(Reading { degrees })
            }
            _ => conn.send(message),
        }
    }

    #[callable]
    fn set(&self, cx: &Context<Self>, degrees: i64) -> Result<i64> {
        cx.set_state(Reading { degrees })?;
        Ok(degrees)
    }

    #[callable]
    fn tell_all(&self, cx: &Context<Self>, text: String) -> Result<()> {
        cx.broadcast(text)
    }

    #[callable]
    fn who_is_quiet(&self, cx: &View<Self>) -> Vec<String> {
        let quiet = cx.connections().filter(|conn| !conn.is_protocol_enabled());
        quiet.map(|conn| conn.id().to_owned()).collect()
    }
}

/// An agent without a state.
#[agent]
#[derive(Default)]
struct Bare;

#[agent]
impl Bare {
    #[callable]
    fn set(&self, cx: &Context<Self>, value: Value) -> Result<()> {
        cx.set_state(value)
    }

    #[callable]
    fn unset(&self, cx: &View<Self>) -> Result<bool> {
        Ok(cx.try_state()?.is_none())
    }

    #[callable]
    fn insist(&self, cx: &View<Self>) -> Result<Value> {
        Ok((*cx.state()?).clone())
    }
}

/// An agent that sends no identity frame.
#[agent(state = Reading, send_identity = false)]
#[derive(Default)]
struct Nameless;

#[agent]
impl Nameless {}

async fn server() -> TestServer {
    TestServer::start(Agents::new().register::<Device>().register::<Bare>().register::<Nameless>()).await
}

const MCP: &str =
    r#"{"mcp":{"prompts":[],"resources":[],"servers":{},"tools":[]},"type":"cf_agent_mcp_servers"}"#;

#[tokio::test]
async fn s91_s92_s93_the_three_frames_come_in_order_and_once() {
    let server = server().await;
    let mut client = server.connect("/agents/device/kitchen%20lamp").await;
    assert_eq!(
        client.next().await.text(),
        r#"{"type":"cf_agent_identity","name":"kitchen%20lamp","agent":"device","stateFollows":true}"#
    );
    assert_eq!(client.next().await.text(), r#"{"type":"cf_agent_state","state":{"degrees":0}}"#);
    assert_eq!(client.next().await.text(), MCP);
    assert_eq!(client.next().await.text(), "protocol: true", "then what the connect hook sends");
    assert_eq!(client.drain().await, []);
}

#[tokio::test]
async fn s91_s92_a_newcomer_is_no_news_for_the_others() {
    let server = server().await;
    let mut first = server.join("/agents/device/a", true).await;
    assert_eq!(first.next().await.text(), "protocol: true");
    let _second = server.join("/agents/device/a", true).await;
    assert_eq!(first.drain().await, []);
}

#[tokio::test]
async fn s92_without_a_state_there_is_no_state_frame() {
    let server = server().await;
    let mut client = server.connect("/agents/bare/a").await;
    assert_eq!(client.next().await.text(), r#"{"type":"cf_agent_identity","name":"a","agent":"bare"}"#);
    assert_eq!(client.next().await.text(), MCP);
    assert_eq!(client.call("unset", json!([])).await, true);
    assert!(client.call_error("insist", json!([])).await.starts_with("Internal error"));
    assert_eq!(client.drain().await, [], "and reading the state creates none");
}

#[tokio::test]
async fn s92_null_zero_false_and_empty_text_are_states() {
    let server = server().await;
    for (name, state) in [("n", json!(null)), ("z", json!(0)), ("f", json!(false)), ("e", json!(""))] {
        let path = format!("/agents/bare/{name}");
        let mut client = server.join(&path, false).await;
        client.call("set", json!([state])).await;
        assert_eq!(client.drain_json().await, [changed(&state)]);
        assert_eq!(client.call("unset", json!([])).await, false);
        let mut late = server.connect(&path).await;
        assert_eq!(late.greeting(true).await, Some(state.clone()), "{name}");
        // A push of the same value is also sent.
        late.send(push(&state)).await;
        assert_eq!(client.json().await, changed(&state));
    }
}

#[tokio::test]
async fn s91_an_agent_may_keep_its_identity_to_itself() {
    let server = server().await;
    let mut client = server.connect("/agents/nameless/a").await;
    assert_eq!(client.next().await.text(), r#"{"type":"cf_agent_state","state":{"degrees":0}}"#);
    assert_eq!(client.next().await.text(), MCP);
    assert_eq!(client.drain().await, []);
}

#[tokio::test]
async fn s94_s100_without_protocol_the_first_frame_is_the_users() {
    let server = server().await;
    let mut quiet = server.connect("/agents/device/a?protocol=binary").await;
    assert_eq!(quiet.next().await.text(), "protocol: false");
    assert_eq!(quiet.drain().await, []);
}

#[tokio::test]
async fn s95_changes_of_the_state_pass_a_quiet_connection_over() {
    let server = server().await;
    let mut quiet = server.connect("/agents/device/a?protocol=binary").await;
    let mut loud = server.join("/agents/device/a", true).await;
    let mut pusher = server.join("/agents/device/a", true).await;
    for client in [&mut quiet, &mut loud, &mut pusher] {
        client.drain().await;
    }
    loud.call("set", json!([21])).await;
    pusher.send(push(&json!({ "degrees": 22 }))).await;
    pusher.drain().await;
    assert_eq!(
        loud.drain_json().await,
        [changed(&json!({ "degrees": 21 })), changed(&json!({ "degrees": 22 }))]
    );
    assert_eq!(quiet.drain().await, []);
}

#[tokio::test]
async fn s96_s98_a_quiet_connection_sends_and_receives_everything_else() {
    let server = server().await;
    let mut quiet = server.connect("/agents/device/a?protocol=binary").await;
    let mut loud = server.join("/agents/device/a", true).await;
    assert_eq!(quiet.next().await.text(), "protocol: false");
    assert_eq!(loud.next().await.text(), "protocol: true");
    quiet.send("hello").await;
    assert_eq!(quiet.next().await.text(), "hello");
    quiet.send_bytes(vec![1, 2, 3]).await;
    assert_eq!(quiet.next().await, Received::Binary(vec![1, 2, 3]));
    loud.call("tellAll", json!(["to everyone"])).await;
    assert_eq!(quiet.next().await.text(), "to everyone");
    // S100: a device that sends only bytes changes the state that the others receive.
    assert_eq!(loud.next().await.text(), "to everyone");
    quiet.send_bytes(vec![1, 4]).await;
    assert_eq!(loud.json().await, changed(&json!({ "degrees": 260 })));
    assert_eq!(quiet.drain().await, []);
}

#[tokio::test]
async fn s97_a_quiet_connection_calls_methods_that_write_too() {
    let server = server().await;
    let mut quiet = server.connect("/agents/device/a?protocol=binary").await;
    let mut loud = server.join("/agents/device/a", true).await;
    loud.drain().await;
    assert_eq!(quiet.next().await.text(), "protocol: false");
    quiet.start_call("set", json!([5])).await;
    assert_eq!(
        quiet.next().await.text(),
        r#"{"done":true,"id":"call-1","result":5,"success":true,"type":"rpc"}"#,
        "the answer, without a state frame before it"
    );
    assert_eq!(loud.json().await, changed(&json!({ "degrees": 5 })));
}

#[tokio::test]
async fn s97_a_quiet_connection_may_push_a_state() {
    let server = server().await;
    let mut quiet = server.connect("/agents/device/a?protocol=binary").await;
    let mut loud = server.join("/agents/device/a", true).await;
    loud.drain().await;
    quiet.send(push(&json!({ "degrees": 9 }))).await;
    assert_eq!(loud.json().await, changed(&json!({ "degrees": 9 })));
}

#[tokio::test]
async fn s99_any_connection_can_be_asked_at_run_time() {
    let server = server().await;
    let mut loud = server.join("/agents/device/a?_pk=loud", true).await;
    let mut quiet = server.connect("/agents/device/a?protocol=binary&_pk=quiet").await;
    assert_eq!(quiet.call("whoIsQuiet", json!([])).await, json!(["quiet"]));
    assert_eq!(loud.call("whoIsQuiet", json!([])).await, json!(["quiet"]));
}
