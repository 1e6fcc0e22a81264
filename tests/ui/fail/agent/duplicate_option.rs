use agents::prelude::*;

#[agent(name = "room", name = "chat")]
struct Room;

fn main() {}
