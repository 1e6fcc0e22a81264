//! Serves the chat: `cargo run -p chat-types`.

use agents::Agents;
use chat_types::ChatRoom;

#[tokio::main]
async fn main() -> agents::Result<()> {
    Agents::new().register::<ChatRoom>().run().await
}
