use agents::prelude::*;

#[agent]
struct Room;

#[agent]
impl Room {
    #[callable(wirte)]
    fn post(&self) {}

    #[callable(description = "Posts a message.", streaming = true)]
    fn tell(&self) {}
}

fn main() {}
