//! The server that the suites in `tests/npm` and `tests/browser` talk to: every rule of the wire protocol has a lever here.

mod counter;
mod game;
mod small;

use agents::axum::{Router, response::Html, routing::get};
use agents::prelude::*;

/// An empty page, so that a browser can open sockets from the same origin.
const PAGE: &str = "<!doctype html><html lang=en><meta charset=utf-8><title>conformance</title>";

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
        .cors(true)
        .routes(routes)
        .run()
        .await
}
