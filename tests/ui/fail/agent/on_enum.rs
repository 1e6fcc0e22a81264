use agents::prelude::*;

#[agent]
enum Room {
    Open,
}

fn main() {}
