use agents::prelude::*;

#[agent]
struct Room;

#[agent]
impl Room {
    #[hook]
    async fn on_message(&self, conn: &Connection<Self>) {
        let _ = conn;
    }
}

fn main() {}
