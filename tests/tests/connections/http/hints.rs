//! Requests for things that do not exist, with and without hints.

use agents::prelude::*;
use agents_tests::{Client, Received, TestServer};

use crate::support::captured_log;
use crate::support::response_text::get;

#[agent]
#[derive(Default)]
struct ChatRoom;

#[agent]
impl ChatRoom {
    #[callable]
    fn get_stats(&self) -> u32 {
        1
    }

    #[callable(internal)]
    fn get_status(&self) -> u32 {
        2
    }
}

#[agent]
#[derive(Default)]
struct Counter;

#[agent]
impl Counter {}

fn agents() -> Agents {
    Agents::new().register::<ChatRoom>().register::<Counter>()
}

/// Returns the close of a socket to a path.
async fn closed(server: &TestServer, path: &str) -> (u16, String) {
    match server.connect(path).await.next().await {
        Received::Close(code, reason) => (code, reason),
        other => panic!("{path}: {other:?}"),
    }
}

#[tokio::test]
async fn an_unknown_class_is_answered_with_the_classes() {
    let server = TestServer::start_with_hints(agents()).await;
    for (class, text) in [
        ("nope", "unknown agent class `nope`, the classes are chat-room, counter"),
        (
            "Chatroom",
            "unknown agent class `Chatroom`: did you mean `chat-room`? The classes are chat-room, counter",
        ),
        (
            "conuter",
            "unknown agent class `conuter`: did you mean `counter`? The classes are chat-room, counter",
        ),
    ] {
        let path = format!("/agents/{class}/one");
        assert_eq!(closed(&server, &path).await, (4404, text.to_owned()));
        assert_eq!(get(&server, &path).await, (400, format!("Invalid request: {text}")));
    }
    // A close frame holds 123 bytes.
    let (code, reason) = closed(&server, &format!("/agents/{}/one", "x".repeat(500))).await;
    assert_eq!(code, 4404);
    assert!(reason.contains("xx…`, the classes are chat-room"), "{reason}");

    let server = TestServer::start(agents()).await;
    assert_eq!(closed(&server, "/agents/conuter/one").await, (4404, "unknown agent class".to_owned()));
    assert_eq!(get(&server, "/agents/conuter/one").await, (400, "Invalid request".to_owned()));
}

#[tokio::test]
async fn a_path_that_leads_to_no_agent_is_answered_with_the_right_form() {
    let server = TestServer::start_with_hints(agents()).await;
    let name = "the name is missing, write /agents/counter/{name}";
    let form = "the path of an agent is /agents/{class}/{name}";
    for (path, text) in [("/agents/counter", name), ("/agents", form), ("/agent/counter/one", form)] {
        assert_eq!(closed(&server, path).await, (4404, text.to_owned()), "{path}");
        assert_eq!(get(&server, path).await, (404, format!("Not found: {text}")), "{path}");
    }
    // Only a socket must have meant an agent.
    assert_eq!(closed(&server, "/counter/one").await, (4404, form.to_owned()));
    assert_eq!(get(&server, "/counter/one").await, (404, "Not found".to_owned()));

    let server = TestServer::start(agents()).await;
    for path in ["/agents/counter", "/agents", "/agent/counter/one", "/counter/one"] {
        let refused = Client::try_connect(server.addr(), path, &[]).await.expect_err("a refusal");
        assert!(refused.to_string().contains("404"), "{path}: {refused}");
        assert_eq!(get(&server, path).await, (404, "Not found".to_owned()), "{path}");
    }
}

#[tokio::test]
async fn a_socket_that_a_route_of_the_program_declines_is_answered_with_the_right_form() {
    use agents::axum::http::StatusCode;
    use agents::axum::{Router, routing};

    let routes =
        Router::new().route("/mine", routing::get(|| async { (StatusCode::NOT_FOUND, "no such room") }));
    let server = TestServer::start_with_hints(agents().routes(routes)).await;
    let form = "the path of an agent is /agents/{class}/{name}";
    assert_eq!(closed(&server, "/counter/one").await, (4404, form.to_owned()));
    let refused = Client::try_connect(server.addr(), "/mine", &[]).await.expect_err("a refusal");
    assert!(refused.to_string().contains("404"), "the answer of the route stays: {refused}");
}

#[tokio::test]
async fn an_unknown_method_is_answered_with_a_similar_one() {
    let server = TestServer::start_with_hints(agents()).await;
    let mut client = server.join("/agents/chat-room/one", false).await;
    for (method, text) in [
        ("get_stats", "Method get_stats does not exist: did you mean getStats?"),
        ("getStat", "Method getStat does not exist: did you mean getStats?"),
        ("fly", "Method fly does not exist"),
        // Clients read nothing about methods that they cannot call.
        ("getStatus", "Method getStatus is not callable"),
    ] {
        assert_eq!(client.call_error(method, json!([])).await, text);
    }
    let text = "Not implemented: agents of the class `chat-room` have no hook `on_request`";
    assert_eq!(get(&server, "/agents/chat-room/one/more").await, (404, text.to_owned()));

    let server = TestServer::start(agents()).await;
    let mut client = server.join("/agents/chat-room/one", false).await;
    assert_eq!(client.call_error("get_stats", json!([])).await, "Method get_stats does not exist");
    assert_eq!(get(&server, "/agents/chat-room/one").await, (404, "Not implemented".to_owned()));
}

#[tokio::test]
async fn with_hints_the_log_warns_about_an_unknown_class() {
    captured_log::keep();
    let server = TestServer::start_with_hints(agents()).await;
    assert_eq!(get(&server, "/agents/chat-roam/one").await.0, 400);
    let lines = captured_log::lines_with("chat-roam");
    let [line] = &lines[..] else { panic!("{lines:?}") };
    for part in ["WARN", r#"meant="chat-room""#, r#"classes="chat-room, counter""#] {
        assert!(line.contains(part), "{line}");
    }
    let server = TestServer::start(agents()).await;
    assert_eq!(get(&server, "/agents/chat-raam/one").await.0, 400);
    assert_eq!(
        captured_log::lines_with("chat-raam"),
        Vec::<String>::new(),
        "clients of a release cause no warning"
    );
}
