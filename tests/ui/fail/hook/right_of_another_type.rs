use agents::prelude::*;

struct Right;

#[agent]
struct Room;

#[agent]
impl Room {
    #[hook]
    fn has_right(&self, _right: &Right) -> bool {
        true
    }
}

fn main() {}
