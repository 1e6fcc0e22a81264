use agents::prelude::*;

#[agent]
struct Room;

#[agent]
impl Room {}

fn run(cx: &Context<Room>, id: u32) -> Result<u64> {
    sql!(cx, r#"DELETE FROM "{id}""#)
}

fn main() {}
