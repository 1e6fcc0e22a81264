use agents::prelude::*;

#[agent]
struct Room;

#[agent]
impl Room {
    #[callable]
    fn post(&self, cx: Context<Self>, body: String) {
        let _ = (cx, body);
    }
}

fn main() {}
