use agents::prelude::*;

#[agent]
struct Room;

#[agent]
impl Room {
    #[hook]
    async fn on_connect(&self) {}

    #[hook]
    async fn on_connect(&self) {}
}

fn main() {}
