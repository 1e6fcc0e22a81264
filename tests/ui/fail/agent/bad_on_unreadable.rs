use agents::prelude::*;

#[agent(state = u8, on_unreadable = "replace")]
struct Room;

#[agent(state = u8, on_unreadable = true)]
struct Hall;

#[agent(on_unreadable = "initial")]
struct Yard;

fn main() {}
