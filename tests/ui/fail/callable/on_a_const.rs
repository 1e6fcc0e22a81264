use agents::prelude::*;

#[agent]
struct Room;

#[agent]
impl Room {
    #[callable]
    const LIMIT: u32 = 10;
}

fn main() {}
