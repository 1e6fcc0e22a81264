use agents::prelude::*;

#[agent]
struct Room;

#[agent]
impl Room {
    #[callable]
    fn post(&self, #[cfg(debug_assertions)] limit: u32) {
        #[cfg(debug_assertions)]
        let _ = limit;
    }
}

fn main() {}
