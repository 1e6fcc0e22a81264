use agents::prelude::*;

type Key = [u8; 64];

#[wire]
struct Lock {
    key: Key,
}

fn main() {}
