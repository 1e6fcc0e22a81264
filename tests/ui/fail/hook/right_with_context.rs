use agents::prelude::*;

#[agent]
struct Room;

#[agent]
impl Room {
    #[hook]
    fn has_right(&self, cx: &Context<Self>, right: &str) -> bool {
        right == cx.name()
    }
}

fn main() {}
