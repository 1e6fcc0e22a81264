use agents::prelude::*;

#[agent]
struct Room;

#[agent]
impl Room {
    #[hook]
    async fn on_connect(&self, name: &str) {
        let _ = name;
    }
}

fn main() {}
