use std::time::Duration;

use agents::prelude::*;
use agents::serde_json::Value;
use agents_tests::TestServer;

use crate::captured;

#[agent(hibernate_after = "50ms")]
#[derive(Default)]
struct Clerk;

#[agent]
impl Clerk {
    #[callable]
    fn add(&self, a: u32, b: u32) -> u32 {
        a + b
    }

    #[callable]
    fn lose(&self) -> Result<()> {
        Err(std::io::Error::other("the drawer is stuck"))?
    }

    #[callable]
    async fn ask(&self, cx: &Context<Self>, name: String) -> Result<u32> {
        cx.agent::<Clerk>(name).add(1, 2).await
    }

    #[hook]
    fn on_connect(&self, request: &ConnectRequest) -> Result<()> {
        match request.query("broken") {
            Some(_) => Err(std::io::Error::other("the door is stuck"))?,
            None => Ok(()),
        }
    }
}

/// Waits until the log has an event of an agent.
async fn logged(name: &str, message: &str) -> Vec<Value> {
    for _ in 0..1000 {
        let events = captured::about(name);
        if events.iter().any(|event| event["message"] == message) {
            return events;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("`{message}` of {name} is not in the log: {:#?}", captured::about(name));
}

/// Takes a number that a test cannot know out of an event.
fn take_number(event: &mut Value, field: &str) {
    let number = event.as_object_mut().expect("an object").remove(field);
    assert!(number.is_some_and(|number| number.is_u64()), "{field} of {event}");
}

#[tokio::test]
async fn a_session_is_in_the_log_event_by_event() {
    captured::keep();
    let agents = Agents::new().register::<Clerk>();
    let server = TestServer::start_resident(agents, "each wake is an event of the log").await;
    let mut client = server.join("/agents/clerk/ada?_pk=first", false).await;
    assert_eq!(client.call("add", json!([1, 2])).await, 3);
    let told = client.call_error("lose", json!([])).await;
    let id = told.strip_prefix("Internal error (id ").and_then(|rest| rest.strip_suffix(')')).expect("an id");
    client.call_error("nothing", json!([])).await;
    client.close(Some((4001, "bye"))).await;
    let mut events = logged("ada", "slept").await;
    let event = |target: &str, rest: Value| {
        let mut event = json!({ "level": "DEBUG", "target": target, "class": "clerk", "name": "ada" });
        event.as_object_mut().expect("an object").extend(rest.as_object().expect("an object").clone());
        event
    };
    for event in &mut events {
        match event["message"].as_str() {
            Some("call") => take_number(event, "duration_us"),
            Some("slept") => take_number(event, "awake_ms"),
            _ => {}
        }
    }
    let expected = [
        event("agents::connection", json!({ "message": "opened", "connection": "first" })),
        event("agents::object", json!({ "message": "woke", "cause": "connect" })),
        event(
            "agents::call",
            json!({ "message": "call", "connection": "first", "method": "add", "code": "ok" }),
        ),
        json!({
            "level": "ERROR", "target": "agents::error", "message": "the drawer is stuck", "class": "clerk", "name": "ada",
            "method": "lose", "error_id": id, "code": "internal"
        }),
        event(
            "agents::call",
            json!({ "message": "call", "connection": "first", "method": "lose", "code": "internal" }),
        ),
        event("agents::client", json!({ "message": "a method does not exist", "method": "nothing" })),
        event(
            "agents::call",
            json!({ "message": "call", "connection": "first", "method": "", "code": "unknown_method" }),
        ),
        event(
            "agents::connection",
            json!({ "message": "closed", "connection": "first", "code": 4001, "cause": "client" }),
        ),
        event("agents::object", json!({ "message": "slept", "reason": "idle" })),
    ];
    assert_eq!(events, expected, "{events:#?}");
}

#[tokio::test]
async fn a_call_of_another_agent_has_no_connection() {
    captured::keep();
    let agents = Agents::new().register::<Clerk>();
    let server = TestServer::start_resident(agents, "each wake is an event of the log").await;
    let mut client = server.join("/agents/clerk/asking", false).await;
    assert_eq!(client.call("ask", json!(["answering"])).await, 3);
    let mut events = logged("answering", "call").await;
    events
        .iter_mut()
        .filter(|event| event["message"] == "call")
        .for_each(|event| take_number(event, "duration_us"));
    let common = json!({ "level": "DEBUG", "class": "clerk", "name": "answering" });
    let woke = json!({ "target": "agents::object", "message": "woke", "cause": "call" });
    let call = json!({ "target": "agents::call", "message": "call", "method": "add", "code": "ok" });
    let expected = [woke, call].map(|event| {
        let mut event = event;
        event.as_object_mut().expect("an object").extend(common.as_object().expect("an object").clone());
        event
    });
    assert_eq!(events[..2], expected, "{events:#?}");
}

#[tokio::test]
async fn an_error_is_logged_once_with_the_id_that_the_client_reads() {
    captured::keep();
    let server = TestServer::start(Agents::new().register::<Clerk>()).await;
    let mut client = server.connect("/agents/clerk/once?broken=1").await;
    let agents_tests::Received::Close(1011, told) = client.end().await else { panic!("not closed") };
    let errors: Vec<_> =
        captured::about("once").into_iter().filter(|event| event["level"] == "ERROR").collect();
    let [error] = &errors[..] else { panic!("{errors:#?}") };
    assert_eq!(told, format!("Internal error (id {})", error["error_id"].as_str().expect("text")));
    assert_eq!(error["method"], "on_connect");
    assert_eq!((&error["class"], &error["name"]), (&"clerk".into(), &"once".into()));
}
