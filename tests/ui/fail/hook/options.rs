use agents::prelude::*;

#[agent]
struct Room;

#[agent]
impl Room {
    #[hook(first)]
    async fn on_connect(&self) {}
}

fn main() {}
