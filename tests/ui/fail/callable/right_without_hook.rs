use agents::prelude::*;

#[agent]
struct Room;

#[agent]
impl Room {
    #[callable(require = "editor")]
    fn reset(&self) {}

    #[callable(require = "owner")]
    fn shut(&self) {}
}

fn main() {}
