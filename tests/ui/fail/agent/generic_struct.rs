use agents::prelude::*;

#[agent]
struct Room<T> {
    items: Vec<T>,
}

fn main() {}
