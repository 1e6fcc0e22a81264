use agents::prelude::*;

#[agent]
#[derive(Default)]
struct Room;

fn host() -> Agents {
    Agents::new().register::<Room>()
}

fn main() {}
