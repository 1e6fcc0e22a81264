use agents::prelude::*;

#[agent]
#[derive(Default)]
struct Room;

#[agent]
impl Room {
    #[callable]
    async fn ask(&self, cx: &View<Self>) -> Result<bool> {
        cx.agent::<Room>("other").ask().await
    }
}

fn main() {}
