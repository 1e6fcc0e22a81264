use agents::prelude::*;

#[agent]
struct Room;

#[agent]
impl Room {
    #[callable]
    fn post(&self, #[default] limit: u32) {
        let _ = limit;
    }
}

fn main() {}
