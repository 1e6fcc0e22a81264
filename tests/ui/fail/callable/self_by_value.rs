use agents::prelude::*;

#[agent]
struct Room;

#[agent]
impl Room {
    #[callable]
    fn post(self, body: String) {
        let _ = body;
    }
}

fn main() {}
