use agents::prelude::*;
use agents::serde_json::Value;

#[agent(version = 2)]
struct ChatRoom;

#[agent]
impl ChatRoom {
    #[hook]
    async fn migrate(&self, from: u32, old: Value) -> Result<Value> {
        let _ = from;
        Ok(old)
    }
}

fn main() {}
