use agents::prelude::*;

#[agent]
struct Room;

#[agent]
impl Room {
    #[callable]
    #[hook]
    fn on_connect(&self) {}
}

fn main() {}
