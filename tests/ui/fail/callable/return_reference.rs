use agents::prelude::*;

#[agent]
struct Room;

#[agent]
impl Room {
    #[callable]
    fn title(&self) -> &str {
        "title"
    }
}

fn main() {}
