//! The server that the suites in `tests/npm` and `tests/browser` talk to: every rule of the wire protocol has a lever here.

mod counter;
mod game;
mod small;

use agents::axum::{Router, response::Html, routing::get};
use agents::prelude::*;

/// An empty page, so that a browser can open sockets from the same origin.
const PAGE: &str = "<!doctype html><html lang=en><meta charset=utf-8><title>conformance</title>";

/// Whose counter is at `/user`: a session names it, in a cookie or, for clients without cookies, in the query.
async fn session_user(request: ConnectRequest) -> Result<String, Refusal> {
    let session =
        request.cookie("session").map(str::to_owned).or_else(|| request.query("session").map(Into::into));
    match session.as_deref().and_then(|session| session.strip_prefix("session-of-")) {
        Some(user) => Ok(user.to_owned()),
        None => Err(Refusal::unauthorized("log in first")),
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let routes =
        Router::new().route("/", get(|| async { Html(PAGE) })).route("/plain", get(|| async { "plain" }));
    Agents::new()
        .register::<counter::TestCounter>()
        .register::<small::TestNoState>()
        .register::<small::TestNoIdentity>()
        .register::<small::TestAlarm>()
        .register::<small::TestOAuthAgent>()
        .register::<small::LOUD_CASE>()
        .register::<game::TestGame>()
        .route_to::<counter::TestCounter>("/user", session_user)
        .cors(true)
        .routes(routes)
        .run()
        .await
}
