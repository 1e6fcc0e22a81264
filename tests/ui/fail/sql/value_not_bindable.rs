use agents::prelude::*;

#[agent]
struct Room;

#[agent]
impl Room {}

fn run(cx: &Context<Room>, id: std::time::Instant) -> Result<u64> {
    sql!(cx, "DELETE FROM posts WHERE id = {id}")
}

fn main() {}
