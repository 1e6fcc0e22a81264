use agents::prelude::*;

#[agent]
struct Room;

#[agent]
impl Room {
    #[cfg_attr(debug_assertions, callable)]
    fn post(&self) {}
}

fn main() {}
