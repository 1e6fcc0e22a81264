use agents::prelude::*;
use agents::serde_json::Value;

#[wire]
#[derive(Clone, Default)]
struct Room;

#[agent(state = Room, version = 2)]
struct ChatRoom;

#[agent]
impl ChatRoom {
    #[hook]
    fn migrate(&self, from: u32, old: Value) -> Result<u32> {
        let _ = old;
        Ok(from)
    }
}

fn main() {}
