use agents::prelude::*;

#[agent]
struct Room;

#[agent]
impl Room {
    #[callable]
    fn then(&self) {}

    #[callable]
    fn state(&self) {}

    #[callable]
    fn set_state(&self) {}

    #[callable]
    fn send(&self) {}
}

fn main() {}
