use agents::prelude::*;

#[agent]
struct Room;

#[agent]
impl Room {
    #[hook]
    async fn on_start(&mut self, props: u32) {
        let _ = props;
    }
}

fn main() {}
