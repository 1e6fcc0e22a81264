use agents::prelude::*;

#[agent(stat = u32, hibernate_after = "10s")]
struct Room;

fn main() {}
