use agents::client::{AgentClient, ClientError};
use agents::prelude::*;

#[agent]
struct Room;

async fn connect() -> Result<(), ClientError> {
    AgentClient::<Room>::connect("http://127.0.0.1:8787", "lobby").await?.close(1000, "").await
}

fn main() {}
