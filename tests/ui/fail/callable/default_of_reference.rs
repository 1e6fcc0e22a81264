use agents::prelude::*;

#[agent]
struct Room;

#[agent]
impl Room {
    #[callable]
    fn post(&self, #[default = 1] cx: &Context<Self>) {
        let _ = cx;
    }
}

fn main() {}
