//! The game of the example `game`, with a page in React and TypeScript: `cargo run --example game-react`.
//!
//! The page is there twice: on `useAgent` of the npm package `agents`, and on the hook that the command
//! `types --react` makes. Both use the types of this program.

#[path = "../game/game.rs"]
mod game;
#[path = "../shared/web.rs"]
mod web;

use agents::prelude::*;

use game::BoardGame;

#[tokio::main]
async fn main() -> Result<()> {
    let agents = Agents::new().register::<BoardGame>();
    let types = agents.typescript()?.react();
    agents.routes_with(move |_| web::pages("game-react", &types)).run().await
}
