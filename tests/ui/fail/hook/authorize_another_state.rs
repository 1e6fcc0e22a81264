use agents::prelude::*;

#[wire]
#[derive(Clone)]
struct Member {
    name: String,
}

#[agent(connection = Member)]
struct Room;

#[agent]
impl Room {
    #[hook]
    async fn authorize(&self) -> Result<u32, Refusal> {
        Ok(1)
    }
}

fn main() {}
