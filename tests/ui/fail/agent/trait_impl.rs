use agents::prelude::*;

struct Room;

#[agent]
impl Clone for Room {
    fn clone(&self) -> Self {
        Self
    }
}

fn main() {}
