//! Frames of the protocol, and connections without protocol frames.

use agents::prelude::*;
use agents_tests::{Received, TestServer};

use crate::support::response_text::post;

#[wire]
#[derive(Clone, Default)]
struct Reading {
    celsius: i64,
}

#[agent(state = Reading)]
#[derive(Default)]
struct Sensor;

#[agent]
impl Sensor {
    #[hook]
    fn should_send_protocol_messages(&self, req: &ConnectRequest) -> bool {
        req.query("protocol").as_deref() != Some("binary")
    }

    #[hook]
    fn on_connect(&self, conn: &Connection<Self>) -> Result<()> {
        conn.send(vec![u8::from(conn.is_protocol_enabled())])
    }

    #[hook]
    fn on_message(&self, cx: &Context<Self>, message: Message) -> Result<()> {
        cx.broadcast(message)
    }

    #[hook]
    fn on_request(&self, cx: &Context<Self>, _request: Request) -> Result<&'static str> {
        cx.set_state(Reading { celsius: 99 })?;
        Ok("set")
    }

    #[callable]
    fn measure(&self, cx: &Context<Self>, celsius: i64) -> Result<()> {
        cx.set_state(Reading { celsius })
    }

    #[callable]
    fn reading(&self, cx: &View<Self>) -> Result<i64> {
        Ok(cx.state()?.celsius)
    }

    #[callable]
    fn protocol_flags(&self, cx: &View<Self>) -> Vec<(String, bool)> {
        cx.connections().map(|conn| (conn.id().to_owned(), conn.is_protocol_enabled())).collect()
    }
}

fn text(frame: &str) -> Received {
    Received::Text(frame.to_owned())
}

#[tokio::test]
async fn s60_a_connection_gets_identity_state_and_mcp_in_this_order() {
    let server = TestServer::start(Agents::new().register::<Sensor>()).await;
    let mut client = server.connect("/agents/sensor/attic").await;
    let expected = [
        text(r#"{"type":"cf_agent_identity","name":"attic","agent":"sensor","stateFollows":true}"#),
        text(r#"{"type":"cf_agent_state","state":{"celsius":0}}"#),
        text(
            r#"{"mcp":{"prompts":[],"resources":[],"servers":{},"tools":[]},"type":"cf_agent_mcp_servers"}"#,
        ),
        // The messages of the connect hook come next.
        Received::Binary(vec![1]),
    ];
    assert_eq!(client.drain().await, expected);
    // Clients that are already connected get none of these frames.
    let mut second = server.connect("/agents/sensor/attic").await;
    assert_eq!(second.drain().await, expected);
    assert_eq!(client.drain().await, []);
}

#[agent]
#[derive(Default)]
struct Stateless;

#[agent]
impl Stateless {}

#[agent(send_identity = false, state = Reading)]
#[derive(Default)]
struct Shy;

#[agent]
impl Shy {}

#[tokio::test]
async fn s60_frames_that_have_no_content_are_left_out() {
    let server = TestServer::start(Agents::new().register::<Stateless>().register::<Shy>()).await;
    let mcp = text(
        r#"{"mcp":{"prompts":[],"resources":[],"servers":{},"tools":[]},"type":"cf_agent_mcp_servers"}"#,
    );
    let mut client = server.connect("/agents/stateless/one").await;
    let identity = text(r#"{"type":"cf_agent_identity","name":"one","agent":"stateless"}"#);
    assert_eq!(client.drain().await, [identity, mcp.clone()]);
    // `null` is a state.
    client.send(r#"{"type":"cf_agent_state","state":null}"#).await;
    client.drain().await;
    let mut client = server.connect("/agents/stateless/one").await;
    let identity =
        text(r#"{"type":"cf_agent_identity","name":"one","agent":"stateless","stateFollows":true}"#);
    assert_eq!(
        client.drain().await,
        [identity, text(r#"{"type":"cf_agent_state","state":null}"#), mcp.clone()]
    );

    let mut client = server.connect("/agents/shy/one").await;
    assert_eq!(client.drain().await, [text(r#"{"type":"cf_agent_state","state":{"celsius":0}}"#), mcp]);
}

#[tokio::test]
async fn s15_no_frame_of_the_protocol_reaches_a_suppressed_connection() {
    let server = TestServer::start(Agents::new().register::<Sensor>()).await;
    let mut device = server.connect("/agents/sensor/one?protocol=binary").await;
    // The only frame is that of the connect hook.
    assert_eq!(device.drain().await, [Received::Binary(vec![0])]);
    let mut screen = server.join("/agents/sensor/one", true).await;
    assert_eq!(screen.next().await, Received::Binary(vec![1]));
    assert_eq!(device.drain().await, []);

    // The state is changed by its own call, by a call of another client, by a push, and by a request.
    assert_eq!(device.call_frame("measure", json!([7])).await["success"], true);
    screen.call("measure", json!([8])).await;
    screen.send(r#"{"type":"cf_agent_state","state":{"celsius":9}}"#).await;
    assert_eq!(post(&server, "/agents/sensor/one", "").await.0, 200);
    let frames =
        [7, 8, 99].map(|celsius| json!({ "state": { "celsius": celsius }, "type": "cf_agent_state" }));
    assert_eq!(screen.drain_json().await, frames);
    assert_eq!(device.drain().await, []);
    // The connection can still read and write the state.
    assert_eq!(device.call("reading", json!([])).await, 99);
    device.send(r#"{"type":"cf_agent_state","state":{"celsius":-1}}"#).await;
    assert_eq!(device.call("reading", json!([])).await, -1);
    assert_eq!(screen.drain_json().await, [json!({ "state": { "celsius": -1 }, "type": "cf_agent_state" })]);
}

#[tokio::test]
async fn s43_a_suppressed_connection_gets_broadcasts() {
    let server = TestServer::start(Agents::new().register::<Sensor>()).await;
    let mut device = server.connect("/agents/sensor/one?protocol=binary").await;
    device.drain().await;
    let mut screen = server.join("/agents/sensor/one", true).await;
    screen.drain().await;
    screen.send("to all").await;
    assert_eq!(device.next().await, text("to all"));
    assert_eq!(screen.next().await, text("to all"));
    device.send_bytes(vec![1, 2, 3]).await;
    assert_eq!(device.next().await, Received::Binary(vec![1, 2, 3]));
    assert_eq!(screen.next().await, Received::Binary(vec![1, 2, 3]));
    // Each broadcast arrives once.
    assert_eq!(device.drain().await, []);
    assert_eq!(screen.drain().await, []);
}

#[tokio::test]
async fn s54_the_flag_can_be_read_of_each_connection() {
    let server = TestServer::start(Agents::new().register::<Sensor>()).await;
    let mut device = server.connect("/agents/sensor/one?protocol=binary&_pk=device").await;
    device.drain().await;
    let mut screen = server.join("/agents/sensor/one?_pk=screen", true).await;
    let flags = json!([["device", false], ["screen", true]]);
    assert_eq!(screen.call("protocolFlags", json!([])).await, flags);
    assert_eq!(device.call("protocolFlags", json!([])).await, flags);
}
