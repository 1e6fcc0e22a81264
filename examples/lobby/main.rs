//! A lobby that knows the number of people in each room: rooms report to the lobby, and a route of the
//! program asks it.
//!
//! `cargo run --example lobby`, then open the address it prints; `curl http://127.0.0.1:8787/rooms` shows the same.

use std::collections::BTreeMap;

use agents::Host;
use agents::axum::response::Html;
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

/// The name of the only lobby.
const MAIN: &str = "main";

/// The number of people in each room that is in use.
#[wire]
#[derive(Clone, Default)]
struct Rooms {
    rooms: BTreeMap<String, usize>,
}

/// An agent that knows all rooms in use.
#[agent(state = Rooms)]
#[derive(Default)]
struct Lobby;

#[agent]
impl Lobby {
    /// Rejects pushes of a whole state: only rooms change it.
    #[hook]
    fn validate_state_change(&self, _next: &Rooms, source: &StateSource<Self>) -> Result<()> {
        if source.is_client() {
            return Err(Error::msg("only rooms change this state"));
        }
        Ok(())
    }

    /// Called by a room to report its number of people. Clients cannot call this, and a room reports only for
    /// itself.
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

    /// Returns the rooms in use and the number of people in each.
    #[callable]
    fn rooms(&self, cx: &View<Self>) -> Result<BTreeMap<String, usize>> {
        Ok(cx.state()?.rooms.clone())
    }
}

/// A room that reports to the lobby.
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

    /// Reports the number of people. The number is counted when the report is due, so the last report is
    /// correct.
    async fn report(&self, cx: &Context<Self>) -> Result<()> {
        cx.agent::<Lobby>(MAIN).report(cx.connections().count()).await
    }
}

/// Handles `GET /rooms`: the program calls an agent in the same way as agents call each other.
async fn rooms(host: Host) -> Result<Json<BTreeMap<String, usize>>> {
    Ok(Json(host.get::<Lobby>(MAIN).rooms().await?))
}

#[tokio::main]
async fn main() -> Result<()> {
    let routes = Router::new().route("/", get(async || Html(PAGE))).route("/rooms", get(rooms));
    Agents::new().register::<Lobby>().register::<Room>().routes(routes).run().await
}
