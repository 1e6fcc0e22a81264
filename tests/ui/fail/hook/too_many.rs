use agents::prelude::*;

#[agent]
struct Room;

#[agent]
impl Room {
    #[hook]
    async fn on_message(&self, message: Message, again: Message) {
        let _ = (message, again);
    }

    #[hook]
    async fn on_connect(&self, name: String) {
        let _ = name;
    }
}

fn main() {}
