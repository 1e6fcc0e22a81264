use agents::prelude::*;

#[agent(hibernate_after = "soon")]
struct Room;

#[agent(hibernate_after = 10)]
struct Other;

fn main() {}
