use agents::prelude::*;

#[wire]
#[serde(transparent)]
struct Id {
    value: u64,
}

fn main() {}
