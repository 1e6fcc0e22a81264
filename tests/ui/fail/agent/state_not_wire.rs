use agents::prelude::*;

#[derive(Clone, Default)]
struct Counter;

#[agent(state = Counter)]
struct Room;

fn main() {}
