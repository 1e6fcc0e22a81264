use agents::prelude::*;

#[wire]
fn post() {}

fn main() {}
