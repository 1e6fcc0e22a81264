//! A game: four players claim cells of a board, all other clients watch.
//!
//! `cargo run --example game`, then open the address it prints.

mod game;

use agents::axum::{Router, response::Html, routing::get};
use agents::prelude::*;

use game::BoardGame;

const PAGE: &str = concat!(
    "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'><style>",
    include_str!("../shared/page.css"),
    "</style><script>",
    include_str!("../shared/client.js"),
    "</script>",
    include_str!("page.html"),
);

#[tokio::main]
async fn main() -> Result<()> {
    let page = Router::new().route("/", get(|| async { Html(PAGE) }));
    Agents::new().register::<BoardGame>().routes(page).run().await
}
