use agents::client::{AgentClient, ClientError};
use agents::prelude::*;

#[agent]
#[derive(Default)]
struct Room;

#[agent]
impl Room {
    #[callable]
    fn post(&self, body: String, times: u32) -> u32 {
        drop(body);
        times
    }
}

async fn wrong_type(room: AgentClient<Room>) -> Result<u32, ClientError> {
    room.post(1, 2).await
}

async fn missing(room: AgentClient<Room>) -> Result<u32, ClientError> {
    room.post("hi".to_owned()).await
}

async fn result(room: AgentClient<Room>) -> Result<String, ClientError> {
    room.post("hi".to_owned(), 2).await
}

async fn unknown(room: AgentClient<Room>) -> Result<u32, ClientError> {
    room.pots("hi".to_owned(), 2).await
}

fn main() {}
