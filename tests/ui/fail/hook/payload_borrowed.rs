use agents::prelude::*;

#[agent]
struct Room;

#[agent]
impl Room {
    #[hook]
    async fn on_message(&self, message: &Message) {
        let _ = message;
    }
}

fn main() {}
