use agents::client::{AgentClient, ClientError};
use agents::prelude::*;

#[wire]
#[derive(Clone, Default)]
struct Counter {
    count: u32,
}

#[agent(state = Counter)]
#[derive(Default)]
struct Room;

#[agent]
impl Room {}

async fn set(room: AgentClient<Room>) -> Result<(), ClientError> {
    room.set_state(&7).await
}

async fn read(room: AgentClient<Room>) -> Result<Option<u32>, ClientError> {
    room.state().get()
}

fn main() {}
