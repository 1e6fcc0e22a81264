use agents::prelude::*;

#[agent]
struct Room;

#[agent]
impl Room {
    #[hook]
    async fn on_connect(cx: &Context<Self>) {
        let _ = cx;
    }
}

fn main() {}
