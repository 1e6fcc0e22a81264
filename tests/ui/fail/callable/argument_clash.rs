use agents::prelude::*;

#[agent]
struct Room;

#[agent]
impl Room {
    #[callable]
    #[allow(non_snake_case)]
    fn post(&self, sent_at: u32, sentAt: u32) -> u32 {
        sent_at + sentAt
    }
}

fn main() {}
