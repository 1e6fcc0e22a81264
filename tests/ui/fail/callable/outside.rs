use agents::prelude::*;

struct Room;

impl Room {
    #[callable]
    fn post(&self, body: String) {
        let _ = body;
    }
}

fn main() {}
