//! Serves the boards: `cargo run -p kanban`.

#[tokio::main]
async fn main() -> agents::Result<()> {
    kanban::agents(kanban::Settings::from_environment())?.run().await
}
