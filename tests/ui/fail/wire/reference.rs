use agents::prelude::*;

#[wire]
struct Mode {
    mode: &'static str,
}

fn main() {}
