use agents::prelude::*;
use agents::serde_json::Value;

#[agent(version = 2)]
struct ChatRoom;

#[agent]
impl ChatRoom {
    #[hook]
    fn migrate(&self, from: u32, old: Value) {
        let _ = (from, old);
    }
}

fn main() {}
