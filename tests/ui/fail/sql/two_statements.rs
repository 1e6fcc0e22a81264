use agents::prelude::*;

#[agent]
struct Room;

#[agent]
impl Room {}

fn run(cx: &Context<Room>, id: u32) -> Result<u64> {
    sql!(cx, "DELETE FROM posts; DELETE FROM users WHERE id = {id}")
}

fn main() {}
