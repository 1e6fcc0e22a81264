use agents::prelude::*;

#[agent]
struct Room;

#[agent]
impl Room {
    #[callable(write = true)]
    fn post(&self) {}
}

fn main() {}
