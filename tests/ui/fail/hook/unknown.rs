use agents::prelude::*;

#[agent]
struct Room;

#[agent]
impl Room {
    #[hook]
    async fn on_mesage(&self, message: Message) {
        let _ = message;
    }

    #[hook]
    async fn tick(&self) {}
}

fn main() {}
