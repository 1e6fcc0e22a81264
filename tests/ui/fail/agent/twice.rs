use agents::prelude::*;

#[agent(name = "room")]
#[agent(hibernate = false)]
struct Room;

fn main() {}
