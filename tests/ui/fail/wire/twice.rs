use agents::prelude::*;

#[wire]
#[wire]
struct Post {
    body: String,
}

fn main() {}
