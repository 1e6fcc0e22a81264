//! A list of tasks that all who have its page open see and change: one agent for each list.

mod todo_list;

use agents::axum::Router;
use agents::prelude::*;
use tower_http::services::ServeDir;

use todo_list::TodoList;

/// The page, which `npm run build` in `web` makes.
const PAGE: &str = "web/dist";

fn agents() -> Agents {
    Agents::new().register::<TodoList>()
}

#[tokio::main]
async fn main() -> Result<()> {
    agents().routes(Router::new().fallback_service(ServeDir::new(PAGE))).run().await
}
