use agents::prelude::*;

#[agent]
struct Room;

#[agent]
impl Room {}

fn run(cx: &Context<Room>, id: u32) -> Result<u64> {
    sql!(cx, format!("DELETE FROM posts WHERE id = {id}"))
}

fn main() {}
