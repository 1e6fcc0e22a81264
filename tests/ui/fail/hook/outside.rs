use agents::prelude::*;

#[hook]
fn on_start() {}

fn main() {}
