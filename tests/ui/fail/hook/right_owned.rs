use agents::prelude::*;

#[agent]
struct Room;

#[agent]
impl Room {
    #[hook]
    fn has_right(&self, right: String) -> bool {
        right == "editor"
    }
}

fn main() {}
