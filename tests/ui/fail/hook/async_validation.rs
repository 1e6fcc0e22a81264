use agents::prelude::*;

use agents::__rt::serde_json;

#[agent]
struct Room;

#[agent]
impl Room {
    #[hook]
    async fn validate_state_change(&self, next: &serde_json::Value) -> Result<()> {
        let _ = next;
        Ok(())
    }
}

fn main() {}
