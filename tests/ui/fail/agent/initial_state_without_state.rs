use agents::prelude::*;

#[agent(initial_state = 1)]
struct Room;

fn main() {}
