use agents::prelude::*;
use agents::serde_json::Value;

#[wire]
#[derive(Clone, Default)]
struct Room;

#[agent(state = Room)]
struct ChatRoom;

#[agent]
impl ChatRoom {
    #[hook]
    fn migrate(&self, from: u32, old: Value) -> Result<Room> {
        let _ = (from, old);
        Ok(Room)
    }
}

fn main() {}
