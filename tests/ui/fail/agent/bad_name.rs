use agents::prelude::*;

#[agent(name = "ChatRoom")]
struct Room;

fn main() {}
