use agents::prelude::*;

struct Oops;

#[agent]
struct Room;

#[agent]
impl Room {
    #[callable]
    async fn last(&self) -> Result<u32, Oops> {
        Err(Oops)
    }
}

fn main() {}
