//! A lobby that knows who is where: rooms report to it, and a route of the program asks it.
//!
//! `cargo run --example lobby`, then open the address it prints; `curl http://127.0.0.1:8787/rooms` shows the same.

use std::collections::BTreeMap;

use agents::Host;
use agents::axum::http::StatusCode;
use agents::axum::response::{Html, IntoResponse, Response};
use agents::axum::{Json, Router, routing::get};
use agents::class::CallOrigin;
use agents::prelude::*;

const PAGE: &str = concat!(
    "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'><style>",
    include_str!("../shared/page.css"),
    "</style><script>",
    include_str!("../shared/client.js"),
    "</script>",
    include_str!("page.html"),
);

/// The one lobby.
const MAIN: &str = "main";

/// How many people are in each room that has some.
#[wire]
#[derive(Clone, Default)]
struct Rooms {
    rooms: BTreeMap<String, usize>,
}

/// Knows all rooms that are in use.
#[agent(state = Rooms)]
#[derive(Default)]
struct Lobby;

#[agent]
impl Lobby {
    /// The state is what the rooms say; nobody pushes one.
    #[hook]
    fn validate_state_change(&self, _next: &Rooms, source: &StateSource<Self>) -> Result<()> {
        if source.is_client() {
            return Err(Error::msg("rooms report themselves"));
        }
        Ok(())
    }

    /// A room tells how many people it has. No client can call this, and a room speaks for itself alone.
    #[callable(internal)]
    fn report(&self, cx: &Context<Self>, people: usize) -> Result<()> {
        let Some(CallOrigin::Agent { class: "room", name, .. }) = cx.called_by() else {
            return Err(Error::msg("only rooms report"));
        };
        cx.update_state(|Rooms { rooms }| match people {
            0 => drop(rooms.remove(name)),
            _ => drop(rooms.insert(name.to_owned(), people)),
        })
    }

    /// The rooms in use, and how many people are in each.
    #[callable]
    fn rooms(&self, cx: &View<Self>) -> Result<BTreeMap<String, usize>> {
        Ok(cx.state()?.rooms.clone())
    }
}

/// A place to be.
#[agent]
#[derive(Default)]
struct Room;

#[agent]
impl Room {
    #[hook]
    async fn on_connect(&self, cx: &Context<Self>) -> Result<()> {
        self.report(cx).await
    }

    #[hook]
    async fn on_close(&self, cx: &Context<Self>) -> Result<()> {
        self.report(cx).await
    }

    /// Counts when it is its turn to speak, so the last report is the right one.
    async fn report(&self, cx: &Context<Self>) -> Result<()> {
        cx.agent::<Lobby>(MAIN).report(cx.connections().count()).await
    }
}

/// `GET /rooms`: the program asks an agent, as agents ask each other.
async fn rooms(host: Host) -> Response {
    match host.get::<Lobby>(MAIN).rooms().await {
        Ok(rooms) => Json(rooms).into_response(),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, error.to_string()).into_response(),
    }
}

fn routes(host: &Host) -> Router {
    let host = host.clone();
    Router::new()
        .route("/", get(async || Html(PAGE)))
        .route("/rooms", get(async move || rooms(host.clone()).await))
}

#[tokio::main]
async fn main() -> Result<()> {
    Agents::new().register::<Lobby>().register::<Room>().routes_with(routes).run().await
}
