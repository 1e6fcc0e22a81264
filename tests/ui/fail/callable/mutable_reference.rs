use agents::prelude::*;

#[agent]
struct Room;

#[agent]
impl Room {
    #[callable]
    fn post(&self, cx: &mut Context<Self>) {
        let _ = cx;
    }
}

fn main() {}
