use agents::prelude::*;

#[agent]
struct Room;

#[agent]
impl Room {
    async fn authorize(&self, request: &ConnectRequest) -> Result<(), Refusal> {
        let _ = request;
        Err(Refusal::forbidden("closed"))
    }
}

fn main() {}
