use agents::prelude::*;

#[agent(version = 2)]
struct ChatRoom;

#[agent]
impl ChatRoom {
    #[hook]
    fn migrate(&self, from: u32) -> Result<()> {
        let _ = from;
        Ok(())
    }
}

fn main() {}
