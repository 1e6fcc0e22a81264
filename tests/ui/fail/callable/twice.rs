use agents::prelude::*;

#[agent]
struct Room;

#[agent]
impl Room {
    #[callable]
    #[callable]
    fn post(&self) {}
}

fn main() {}
