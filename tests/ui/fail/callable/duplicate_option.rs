use agents::prelude::*;

#[agent]
struct Room;

#[agent]
impl Room {
    #[callable(write, write)]
    fn post(&self) {}
}

fn main() {}
