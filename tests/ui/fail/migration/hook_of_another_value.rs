use agents::prelude::*;

#[wire]
#[derive(Clone, Default)]
struct Room;

#[agent(state = Room, version = 2)]
struct ChatRoom;

#[agent]
impl ChatRoom {
    #[hook]
    fn migrate(&self, from: u32, old: Room) -> Result<Room> {
        let _ = from;
        Ok(old)
    }
}

fn main() {}
