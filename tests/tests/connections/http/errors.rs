//! Errors as answers of `on_request` and of routes of the program.

use agents::axum::extract::Path;
use agents::axum::{Router, routing::get as route};
use agents::prelude::*;
use agents_tests::{Recorder, TestServer, recorder};
use serde_json::Value;

use crate::support::captured_log;
use crate::support::response_text::{error_body, get};

/// Returns the error of a kind, as handlers make it.
fn error(kind: &str) -> Error {
    match kind {
        "invalid" => Error::invalid("which one?"),
        "unauthorized" => Error::unauthorized("log in first"),
        "forbidden" => Error::forbidden("not yours"),
        "not_found" => Error::not_found("no such order"),
        "conflict" => Error::conflict("taken"),
        "too_large" => Error::too_large("at most ten"),
        "too_many" => Error::too_many("slowly"),
        "unavailable" => Error::unavailable("later"),
        "out_of_paper" => Error::new("out_of_paper", "no more paper"),
        _ => std::io::Error::other("secret of the orders").into(),
    }
}

const VISIBLE: [(&str, u16, &str); 9] = [
    ("invalid", 400, "which one?"),
    ("unauthorized", 401, "log in first"),
    ("forbidden", 403, "not yours"),
    ("not_found", 404, "no such order"),
    ("conflict", 409, "taken"),
    ("too_large", 413, "at most ten"),
    ("too_many", 429, "slowly"),
    ("unavailable", 503, "later"),
    ("out_of_paper", 400, "no more paper"),
];

#[agent(env = Recorder)]
#[derive(Default)]
struct Orders;

#[agent]
impl Orders {
    #[hook]
    fn on_request(&self, request: ConnectRequest) -> Result<String> {
        Err(error(&request.query("kind").unwrap_or_default()))
    }

    #[hook]
    fn on_error(&self, cx: &Context<Self>, error: AgentError<Self>) {
        cx.env().note(error.error().to_string());
    }

    #[callable]
    fn ask(&self, kind: String) -> Result<()> {
        Err(error(&kind))
    }
}

/// Handles `GET /orders/{kind}`.
async fn order(Path(kind): Path<String>) -> Result<String> {
    Err(error(&kind))
}

/// Handles `GET /ask/{kind}`, which asks an agent.
async fn ask(host: agents::Host, Path(kind): Path<String>) -> Result<String> {
    host.get::<Orders>("asked").ask(kind).await?;
    Ok("fine".to_owned())
}

#[tokio::test]
async fn an_error_has_the_status_of_its_code_in_agents_and_in_routes() {
    captured_log::keep();
    let (recorder, mut notes) = recorder();
    let routes = Router::new().route("/orders/{kind}", route(order)).route("/ask/{kind}", route(ask));
    let server = TestServer::start(Agents::new().register::<Orders>().env(recorder).routes(routes)).await;
    for (kind, status, message) in VISIBLE {
        for path in
            [format!("/agents/orders/one?kind={kind}"), format!("/orders/{kind}"), format!("/ask/{kind}")]
        {
            assert_eq!(get(&server, &path).await, (status, error_body(kind, message)), "{path}");
        }
    }
    assert_eq!(notes.so_far(), [] as [&str; 0], "an answer is no failure");
    for path in ["/agents/orders/one?kind=io", "/orders/io", "/ask/io"] {
        let (status, body) = get(&server, path).await;
        assert_eq!(status, 500, "{path}");
        let body: Value = serde_json::from_str(&body).expect("JSON");
        let id = body["id"].as_str().expect("an id");
        let shown = json!({ "code": "internal", "message": format!("Internal error (id {id})"), "id": id });
        assert_eq!(body, shown, "{path}");
        let lines = captured_log::errors_with(id);
        assert!(lines.len() == 1 && lines[0].contains("secret of the orders"), "{path}: {lines:?}");
    }
    assert_eq!(notes.next().await, "secret of the orders", "the hook that failed");
    assert_eq!(notes.so_far(), [] as [&str; 0]);
}
