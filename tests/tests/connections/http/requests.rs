//! HTTP requests to an agent: all requests that are not a WebSocket handshake.

use agents::axum::{http::StatusCode, response::IntoResponse};
use agents::limits::Limits;
use agents::prelude::*;
use agents_tests::{Received, Recorder, TestServer, patient, recorder};
use serde_json::Value;

use crate::support::response_text::{get, post};

#[agent(env = Recorder)]
#[derive(Default)]
struct Desk;

#[agent]
impl Desk {
    #[hook]
    async fn on_request(&self, cx: &Context<Self>, request: Request) -> Result<Response> {
        let (head, body) = request.into_parts();
        let body = body.bytes(1 << 20).await?;
        cx.env().note(head.method.as_str());
        let header = head.headers.get("x-test").map(|value| value.to_str()).transpose()?;
        let answer = json!({
            "name": cx.name(),
            "method": head.method.as_str(),
            "uri": head.uri.to_string(),
            "header": header,
            "body": std::str::from_utf8(&body)?,
        });
        Ok((StatusCode::CREATED, [("x-answer", "yes")], answer.to_string()).into_response())
    }

    #[hook]
    fn on_connect(&self, cx: &Context<Self>) {
        cx.env().note("connected");
    }
}

#[tokio::test]
async fn s5_requests_reach_the_request_hook() {
    let (recorder, mut notes) = recorder();
    let server = TestServer::start(Agents::new().register::<Desk>().env(recorder)).await;

    let request =
        reqwest::Client::new().get(server.url("/agents/desk/one/more?a=1&b=%20")).header("x-test", "me");
    let response = patient(request.send()).await.expect("an answer");
    assert_eq!(response.status(), 201);
    assert_eq!(response.headers()["x-answer"], "yes");
    let body: Value = serde_json::from_str(&patient(response.text()).await.expect("a body")).expect("JSON");
    let uri = "/agents/desk/one/more?a=1&b=%20";
    assert_eq!(body, json!({ "name": "one", "method": "GET", "uri": uri, "header": "me", "body": "" }));

    let (status, body) = post(&server, "/agents/desk/two", "some text").await;
    assert_eq!(status, 201);
    let body: Value = serde_json::from_str(&body).expect("JSON");
    let expected = json!({ "name": "two", "method": "POST", "uri": "/agents/desk/two", "header": null, "body": "some text" });
    assert_eq!(body, expected);
    assert_eq!(notes.so_far(), ["GET", "POST"]);
}

#[tokio::test]
async fn s5_a_handshake_never_reaches_the_request_hook() {
    let (recorder, mut notes) = recorder();
    let server = TestServer::start(Agents::new().register::<Desk>().env(recorder)).await;
    let client = server.join("/agents/desk/one", false).await;
    assert_eq!(notes.next().await, "connected");
    client.close(None).await;

    // A refused request does not wake the agent either.
    let wrong = [("sec-websocket-version", "12"), ("upgrade", "websocket"), ("connection", "Upgrade")];
    let mut request = reqwest::Client::new().get(server.url("/agents/desk/one"));
    for (name, value) in wrong {
        request = request.header(name, value);
    }
    assert_eq!(patient(request.send()).await.expect("an answer").status(), 426);
    assert_eq!(get(&server, "/agents/desk/one").await.0, 201);
    assert_eq!(notes.so_far(), ["GET"]);
}

#[agent]
#[derive(Default)]
struct Deaf;

#[agent]
impl Deaf {}

#[tokio::test]
async fn s5_an_agent_without_the_hook_answers_404() {
    let server = TestServer::start(Agents::new().register::<Deaf>()).await;
    assert_eq!(get(&server, "/agents/deaf/one").await, (404, "Not implemented".to_owned()));
    assert_eq!(post(&server, "/agents/deaf/one", "x").await, (404, "Not implemented".to_owned()));
    assert_eq!(get(&server, "/agents/deaf").await, (404, "Not found".to_owned()));
    assert_eq!(get(&server, "/agents/unknown/one").await, (400, "Invalid request".to_owned()));
}

#[agent]
#[derive(Default)]
struct Archive;

#[agent]
impl Archive {
    #[hook]
    async fn on_request(&self, cx: &Context<Self>, request: Request) -> Result<Response> {
        sql!(cx, "CREATE TABLE IF NOT EXISTS notes (text TEXT NOT NULL)")?;
        if request.method() == "POST" {
            let body = request.into_body().bytes(1 << 20).await?;
            sql!(cx, "INSERT INTO notes (text) VALUES ({std::str::from_utf8(&body)?})")?;
        }
        let notes: Vec<String> = sql!(cx, "SELECT text FROM notes ORDER BY rowid")?;
        Ok(json!(notes).to_string().into_response())
    }
}

#[tokio::test]
async fn s5_an_answer_reflects_what_earlier_requests_wrote() {
    let server = TestServer::start(Agents::new().register::<Archive>()).await;
    assert_eq!(post(&server, "/agents/archive/one", "first").await, (200, r#"["first"]"#.to_owned()));
    assert_eq!(post(&server, "/agents/archive/one", "second").await.0, 200);
    assert_eq!(get(&server, "/agents/archive/one").await.1, r#"["first","second"]"#);
    assert_eq!(get(&server, "/agents/archive/two").await.1, "[]");
}

/// Returns the close code of a refused path. The code comes after the handshake, because the npm client
/// retries a refused handshake forever.
async fn refused(server: &TestServer, path: &str) -> u16 {
    let mut client = server.connect(path).await;
    let Received::Close(code, reason) = client.next().await else { panic!("no close: {path}") };
    assert!(!reason.is_empty(), "{path}");
    assert_eq!(client.next().await, Received::Dropped);
    code
}

#[tokio::test]
async fn s5_s7_a_refusal_comes_behind_the_handshake() {
    let (recorder, mut notes) = recorder();
    let mut limits = Limits::default();
    limits.connections_per_agent = 2;
    let server = TestServer::start(Agents::new().register::<Desk>().env(recorder).limits(limits)).await;
    let long = "x".repeat(1025);
    assert_eq!(refused(&server, "/agents/unknown/one").await, 4404);
    assert_eq!(refused(&server, "/agents/Desk/one").await, 4404);
    assert_eq!(refused(&server, "/agents/desk/%2e%2e").await, 4400);
    assert_eq!(refused(&server, &format!("/agents/desk/{long}")).await, 4400);
    assert_eq!(refused(&server, "/agents/desk/one?__agents_transport=capnweb").await, 4400);
    assert_eq!(get(&server, &format!("/agents/desk/{long}")).await.0, 400);
    assert_eq!(notes.so_far().len(), 0, "no agent was called");

    let first = server.join(&format!("/agents/desk/{}", &long[1..]), false).await;
    assert_eq!(notes.next().await, "connected");
    let mut second = server.join(&format!("/agents/desk/{}", &long[1..]), false).await;
    assert_eq!(refused(&server, &format!("/agents/desk/{}", &long[1..])).await, 4429);
    second.drain().await;
    assert_eq!(notes.so_far(), ["connected"]);
    // A slot is free again.
    first.close(None).await;
    let mut third = server.join(&format!("/agents/desk/{}", &long[1..]), false).await;
    assert_eq!(third.drain().await, []);
}
