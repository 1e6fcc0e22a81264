use agents::prelude::*;
use agents::serde_json::Value;

#[agent(version = 2)]
struct ChatRoom;

#[agent]
impl ChatRoom {
    #[hook]
    fn migrate(&self, from: &Connection<Self>, version: u32, old: Value) -> Result<Value> {
        let _ = (from, version);
        Ok(old)
    }
}

fn main() {}
