use agents::prelude::*;

#[agent]
struct Room;

#[agent]
impl Room {
    #[callable]
    fn numbers(&self) -> impl Iterator<Item = u32> {
        0..3
    }
}

fn main() {}
