use agents::client::{AgentClient, ClientError};

struct Room;

async fn connect() -> Result<(), ClientError> {
    let room = AgentClient::<Room>::connect("http://127.0.0.1:8787", "lobby").await?;
    drop(room);
    Ok(())
}

fn main() {}
