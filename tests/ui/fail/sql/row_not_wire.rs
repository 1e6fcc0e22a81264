use agents::prelude::*;

#[agent]
struct Room;

#[agent]
impl Room {}

fn run(cx: &Context<Room>, id: u32) -> Result<u64> {
    let rows: Vec<std::time::Instant> = sql!(cx, "SELECT at FROM posts WHERE id = {id}")?;
    Ok(rows.len() as u64)
}

fn main() {}
