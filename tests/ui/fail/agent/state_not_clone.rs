use agents::prelude::*;

#[wire]
#[derive(Default)]
struct Counter {
    count: u32,
}

#[agent(state = Counter)]
struct Room;

fn main() {}
