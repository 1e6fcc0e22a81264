//! A program without a class.

#[tokio::main]
async fn main() -> agents::Result<()> {
    agents::Agents::new().run().await
}
