use agents::prelude::*;

#[agent(state = &'static str)]
struct Room;

fn main() {}
