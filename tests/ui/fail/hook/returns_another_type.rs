use agents::prelude::*;

#[agent]
struct Room;

#[agent]
impl Room {
    #[hook]
    fn should_connection_be_readonly(&self) -> u8 {
        1
    }

    #[hook]
    async fn on_connect(&self) -> Result<u32> {
        Ok(1)
    }
}

fn main() {}
