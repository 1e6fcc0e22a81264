//! HTTP requests that an agent, or a route of the program, hands to an agent.

use std::convert::Infallible;
use std::time::Duration;

use agents::Host;
use agents::auth::{Admission, AdmissionRequest};
use agents::axum::body::Body;
use agents::axum::extract;
use agents::axum::routing::{get, post};
use agents::axum::{Json, Router};
use agents::class::CallOrigin;
use agents::http::{self, HeaderMap};
use agents::limits::Limits;
use agents::prelude::*;
use agents::serde_json::{self, Value};
use agents_tests::{Recorder, TestServer, patient, recorder};
use futures_util::stream;

/// An agent that hands its requests to other agents.
#[agent]
#[derive(Default)]
struct Door;

#[agent]
impl Door {
    #[hook]
    async fn on_request(&self, cx: &Context<Self>, mut request: Request) -> Result<Response> {
        let query = request.uri().query().unwrap_or_default().to_owned();
        match &*query {
            "self" => cx.agent::<Self>(cx.name()).fetch(request).await,
            "alone" => cx.exclusive(cx.agent::<Self>(cx.name()).fetch(request)).await?,
            "late" => {
                let desk = cx.agent::<Desk>("a").with_timeout(Duration::from_millis(20));
                desk.fetch(request).await
            }
            "unknown" => cx.agent::<Desk>("..").fetch(request).await,
            "read" => {
                // The body is read here, and another one goes on.
                let (head, body) = request.into_parts();
                let value: Value = body.json().await?;
                let name = value["to"].as_str().unwrap_or_default().to_owned();
                let body = value["text"].to_string();
                cx.agent::<Desk>(name).fetch(http::Request::from_parts(head, Body::from(body))).await
            }
            _ => {
                request.headers_mut().insert("x-door", "passed".parse()?);
                cx.agent::<Desk>("a").fetch(request).await
            }
        }
    }
}

/// Notes on drop that a body is no longer read.
struct Reading(Recorder);

impl Drop for Reading {
    fn drop(&mut self) {
        self.0.note("dropped");
    }
}

/// The agent that answers.
#[agent(env = Recorder)]
#[derive(Default)]
struct Desk;

#[agent]
impl Desk {
    #[hook]
    async fn on_request(&self, cx: &Context<Self>, request: Request) -> Result<Response> {
        let from = match cx.called_by() {
            Some(CallOrigin::Agent { class, name, .. }) => format!("{class}/{name}"),
            Some(CallOrigin::Host) => "host".to_owned(),
            _ => "client".to_owned(),
        };
        let facts = ConnectRequest::from(&request);
        let client = facts.client_ip().map(|ip| ip.to_string());
        let user = facts.try_identity::<String>()?;
        let (head, body) = request.into_parts();
        match head.uri.query() {
            Some("endless") => {
                let reading = Reading(cx.env().clone());
                let pieces = stream::unfold(reading, async |reading| {
                    tokio::task::yield_now().await;
                    Some((Ok::<_, Infallible>("piece"), reading))
                });
                return Ok(Response::new(Body::from_stream(pieces)));
            }
            Some("late") => std::future::pending().await,
            Some("fail") => return Err(Error::conflict("taken")),
            Some("length") => {
                return Ok(Response::new(Body::from(body.bytes(8 << 20).await?.len().to_string())));
            }
            _ => {}
        }
        let text = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
        let answer = json!({
            "from": from,
            "name": cx.name(),
            "method": head.method.as_str(),
            "uri": head.uri.to_string(),
            "x-door": text("x-door"),
            "length": text("content-length"),
            "client": client,
            "user": user,
            "body": String::from_utf8_lossy(&body.bytes(1 << 20).await?),
        });
        let body = Body::from(answer.to_string());
        Ok(http::Response::builder().status(201).header("x-desk", "yes").body(body)?)
    }
}

/// A route that finds the agent in the body.
async fn webhook(host: Host, Json(event): Json<Value>) -> Result<Response> {
    let name = event["to"].as_str().unwrap_or_default();
    let request = http::Request::put("/event?x=1").body(Body::from(event["text"].to_string()))?;
    host.get::<Desk>(name).fetch(request).await
}

async fn through(host: Host, request: extract::Request) -> Result<Response> {
    host.get::<Desk>("a").fetch(request).await
}

async fn admit(_: AdmissionRequest) -> Result<Admission, Refusal> {
    Ok(Admission::pass().identity("ada")?)
}

async fn server() -> (TestServer, agents_tests::Notes) {
    let (recorder, notes) = recorder();
    let routes = Router::new().route("/hook", post(webhook)).route("/through", get(through).post(through));
    let mut limits = Limits::default();
    limits.body_bytes = 256 << 10;
    let agents = Agents::new()
        .register::<Door>()
        .register::<Desk>()
        .env(recorder)
        .limits(limits)
        .authorize(admit)
        .routes(routes);
    (TestServer::start(agents).await, notes)
}

async fn send(server: &TestServer, path: &str, body: impl Into<reqwest::Body>) -> (u16, String) {
    let request = reqwest::Client::new().post(server.url(path)).body(body);
    let response = patient(request.send()).await.expect("an answer");
    (response.status().as_u16(), patient(response.text()).await.expect("a body"))
}

async fn seen(server: &TestServer, path: &str, body: &'static str) -> Value {
    let (status, text) = send(server, path, body).await;
    assert_eq!(status, 201, "{text}");
    serde_json::from_str(&text).expect("JSON")
}

#[tokio::test]
async fn a_request_arrives_as_it_was_sent() {
    let (server, _notes) = server().await;
    let expected = json!({
        "from": "door/front", "name": "a", "method": "POST", "uri": "/agents/door/front/more?a=%20",
        "x-door": "passed", "length": "4", "client": "127.0.0.1", "user": "ada", "body": "text",
    });
    assert_eq!(seen(&server, "/agents/door/front/more?a=%20", "text").await, expected);
}

#[tokio::test]
async fn the_body_may_be_read_before_the_agent_is_chosen() {
    let (server, _notes) = server().await;
    let body = r#"{ "to": "b", "text": "hi" }"#;
    let answer = seen(&server, "/agents/door/front?read", body).await;
    assert_eq!((&answer["name"], &answer["body"]), (&json!("b"), &json!("\"hi\"")));
    assert_eq!((&answer["length"], &answer["client"]), (&json!("4"), &json!("127.0.0.1")));
    let request = reqwest::Client::new().post(server.url("/hook"));
    let request = request.header("content-type", "application/json").body(body);
    let response = patient(request.send()).await.expect("an answer");
    assert_eq!((response.status().as_u16(), response.headers().get("x-desk").is_some()), (201, true));
    let text = patient(response.text()).await.expect("a body");
    let answer: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!((&answer["name"], &answer["from"]), (&json!("b"), &json!("host")));
    assert_eq!((&answer["method"], &answer["uri"]), (&json!("PUT"), &json!("/event?x=1")));
}

#[tokio::test]
async fn a_route_passes_a_request_on_with_its_client() {
    let (server, _notes) = server().await;
    let answer = seen(&server, "/through?a=1", "text").await;
    assert_eq!((&answer["client"], &answer["uri"]), (&json!("127.0.0.1"), &json!("/through?a=1")));
    assert_eq!(answer["user"], Value::Null, "no `authorize` has seen the request");
}

#[tokio::test]
async fn bodies_are_streamed_up_to_their_limit() {
    let (server, _notes) = server().await;
    let large = vec![b'x'; 200 << 10];
    assert_eq!(send(&server, "/agents/door/front?length", large.clone()).await, (200, "204800".to_owned()));
    assert_eq!(send(&server, "/through?length", large).await, (200, "204800".to_owned()));
    let (status, _) = send(&server, "/through?length", vec![b'x'; 320 << 10]).await;
    assert_eq!(status, 413);
    let pieces = stream::iter((0..5).map(|_| Ok::<_, std::io::Error>(vec![b'x'; 64 << 10])));
    let (status, _) = send(&server, "/through?length", reqwest::Body::wrap_stream(pieces)).await;
    assert_eq!(status, 413);
}

#[tokio::test]
async fn a_circle_of_requests_ends() {
    let (server, _notes) = server().await;
    let (status, text) = send(&server, "/agents/door/front?self", "").await;
    assert_eq!(status, 508, "{text}");
    assert!(text.contains("call_depth"), "{text}");
    let (status, text) = send(&server, "/agents/door/front?alone", "").await;
    assert_eq!(status, 508, "{text}");
    assert!(text.contains("call_cycle"), "{text}");
}

#[tokio::test]
async fn a_failure_has_the_status_that_its_agent_gave() {
    let (server, _notes) = server().await;
    let (status, text) = send(&server, "/agents/door/front?fail", "").await;
    assert_eq!((status, text), (409, json!({ "code": "conflict", "message": "taken" }).to_string()));
    let (status, text) = send(&server, "/agents/door/front?late", "").await;
    assert_eq!(status, 504, "{text}");
    let (status, text) = send(&server, "/agents/door/front?unknown", "").await;
    assert_eq!(status, 404, "{text}");
}

#[tokio::test]
async fn a_client_that_leaves_ends_the_response_of_the_last_agent() {
    let (server, mut notes) = server().await;
    for path in ["/agents/door/front?endless", "/through?endless"] {
        let mut response = patient(reqwest::get(server.url(path))).await.expect("an answer");
        let piece = patient(response.chunk()).await.expect("a body").expect("a piece");
        assert!(piece.starts_with(b"piece"));
        assert!(notes.so_far().is_empty());
        drop(response);
        assert_eq!(notes.next().await, "dropped");
    }
}

#[tokio::test]
async fn a_handshake_is_not_forwarded() {
    let (server, _notes) = server().await;
    let mut headers = HeaderMap::new();
    headers.insert("upgrade", "websocket".parse().expect("a value"));
    headers.insert("connection", "Upgrade".parse().expect("a value"));
    let response = reqwest::Client::new().get(server.url("/through")).headers(headers).send();
    assert_eq!(patient(response).await.expect("an answer").status(), 400);
}
