use agents::prelude::*;

#[agent]
struct Room;

#[agent]
impl Room {
    #[callable]
    fn first(&self) {}
}

#[agent]
impl Room {
    #[callable]
    fn second(&self) {}
}

fn main() {}
