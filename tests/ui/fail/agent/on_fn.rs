use agents::prelude::*;

#[agent]
fn room() {}

fn main() {}
