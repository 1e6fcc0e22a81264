//! Arguments that `on_request` can take instead of a whole request.

use agents::axum::extract::{Json, Query};
use agents::bytes::Bytes;
use agents::http::{HeaderMap, Method};
use agents::prelude::*;
use agents_tests::{Recorder, TestServer, patient, recorder};

use crate::support::response_text::{get, post};

#[wire]
struct Order {
    item: String,
    count: u32,
}

#[wire]
struct Options {
    express: bool,
}

#[agent(env = Recorder)]
#[derive(Default)]
struct Shop;

#[agent]
impl Shop {
    /// Takes the body last. Values that are borrowed from the others live across an await.
    #[hook]
    async fn on_request(
        &self,
        method: Method,
        headers: HeaderMap,
        cx: &Context<Self>,
        Query(options): Query<Options>,
        Json(order): Json<Order>,
    ) -> Result<String> {
        let name = customer(&headers).await;
        cx.env().note(name);
        Ok(format!("{method} {} {} {}", order.count, order.item, options.express))
    }

    #[hook]
    fn on_error(&self, cx: &Context<Self>, error: AgentError<Self>) {
        cx.env().note(error.error().to_string());
    }
}

async fn customer(headers: &HeaderMap) -> &str {
    tokio::task::yield_now().await;
    headers.get("x-customer").and_then(|name| name.to_str().ok()).unwrap_or("a stranger")
}

#[agent]
#[derive(Default)]
struct Scale;

#[agent]
impl Scale {
    #[hook]
    fn on_request(&self, body: Bytes) -> String {
        body.len().to_string()
    }
}

#[agent]
#[derive(Default)]
struct Bell;

#[agent]
impl Bell {
    #[hook]
    fn on_request(&self) -> &'static str {
        "ding"
    }
}

#[agent]
#[derive(Default)]
struct Broken;

#[agent]
impl Broken {
    #[hook]
    fn on_request(&self, agents::axum::Extension(number): agents::axum::Extension<u32>) -> String {
        number.to_string()
    }
}

#[tokio::test]
async fn arguments_are_extracted_in_their_order() {
    let (recorder, mut notes) = recorder();
    let server = TestServer::start(Agents::new().register::<Shop>().env(recorder)).await;
    let request = reqwest::Client::new()
        .put(server.url("/agents/shop/a?express=true"))
        .header("x-customer", "ann")
        .header("content-type", "application/json")
        .body(r#"{"item":"tea","count":2}"#);
    let response = patient(request.send()).await.expect("an answer");
    assert_eq!(patient(response.text()).await.expect("a text"), "PUT 2 tea true");
    assert_eq!(notes.so_far(), ["ann"]);
}

#[tokio::test]
async fn a_request_without_them_is_answered_and_is_no_error_of_the_agent() {
    let (recorder, mut notes) = recorder();
    let server = TestServer::start(Agents::new().register::<Shop>().env(recorder)).await;
    let (status, body) = post(&server, "/agents/shop/a?express=perhaps", "{}").await;
    assert_eq!(status, 400);
    assert!(body.contains("query string"), "{body}");
    let (status, _) = post(&server, "/agents/shop/a?express=true", "{}").await;
    assert_eq!(status, 415, "no JSON");
    let request = reqwest::Client::new()
        .post(server.url("/agents/shop/a?express=false"))
        .header("content-type", "application/json")
        .body(r#"{"item":"tea"}"#);
    let response = patient(request.send()).await.expect("an answer");
    assert_eq!(response.status(), 422);
    assert!(notes.so_far().is_empty());
}

#[tokio::test]
async fn a_body_alone_and_nothing_at_all() {
    let server = TestServer::start(Agents::new().register::<Scale>().register::<Bell>()).await;
    assert_eq!(post(&server, "/agents/scale/a", "12345").await, (200, "5".to_owned()));
    assert_eq!(get(&server, "/agents/bell/a").await, (200, "ding".to_owned()));
}

#[tokio::test]
async fn what_the_program_forgot_is_not_told_to_clients() {
    let server = TestServer::start(Agents::new().register::<Broken>()).await;
    let (status, body) = get(&server, "/agents/broken/a").await;
    assert_eq!(status, 500);
    assert!(
        body.starts_with(r#"{"code":"internal","message":"Internal error (id "#) && !body.contains("u32"),
        "{body}"
    );
}
