use agents::prelude::*;

#[wire]
union Either {
    left: u32,
    right: f32,
}

fn main() {}
