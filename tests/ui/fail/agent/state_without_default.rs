use agents::prelude::*;

#[wire]
#[derive(Clone)]
struct Counter {
    count: u32,
}

#[agent(state = Counter)]
struct Room;

fn main() {}
