use agents::prelude::*;

#[agent]
struct Room;

#[agent]
impl Room {
    #[callable]
    fn put(&self, (x, y): (u8, u8)) -> u8 {
        x + y
    }

    #[callable]
    fn skip(&self, _: u8) {}
}

fn main() {}
