use agents::prelude::*;

#[agent]
struct Room<'a> {
    name: &'a str,
}

fn main() {}
