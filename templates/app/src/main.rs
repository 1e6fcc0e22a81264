//! A list of tasks that all who have its page open see and change: one agent for each list.

mod todo_list;

use agents::axum::{Router, response::Html, routing::get};
use agents::prelude::*;

use todo_list::TodoList;

const PAGE: &str = include_str!("page.html");

fn agents() -> Agents {
    Agents::new().register::<TodoList>()
}

#[tokio::main]
async fn main() -> Result<()> {
    let page = Router::new().route("/", get(|| async { Html(PAGE) }));
    agents().routes(page).run().await
}
