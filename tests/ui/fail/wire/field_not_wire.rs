use agents::prelude::*;

struct Author;

#[wire]
struct Post {
    author: Author,
}

fn main() {}
