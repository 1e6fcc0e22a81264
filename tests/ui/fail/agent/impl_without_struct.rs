use agents::prelude::*;

struct Room;

#[agent]
impl Room {
    #[callable]
    fn post(&self, cx: &Context<Self>) {
        let _ = cx;
    }
}

fn main() {}
