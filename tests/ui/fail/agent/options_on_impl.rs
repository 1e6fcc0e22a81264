use agents::prelude::*;

#[agent]
struct Room;

#[agent(state = u32)]
impl Room {}

fn main() {}
