use agents::prelude::*;

#[agent(hibernate = "no")]
struct Room;

fn main() {}
