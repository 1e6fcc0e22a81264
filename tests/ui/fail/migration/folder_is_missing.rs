use agents::prelude::*;

#[agent(migrations = migrations!(dir "nowhere"))]
struct ChatRoom;

#[agent]
impl ChatRoom {}

fn main() {}
