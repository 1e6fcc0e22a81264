use agents::prelude::*;

#[agent]
struct Room;

#[agent]
impl Room {
    #[hook]
    fn connection_tags(&self) {}

    #[hook]
    fn authorize(&self) -> bool {
        true
    }
}

fn main() {}
