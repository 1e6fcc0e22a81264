use agents::prelude::*;

#[agent]
trait Room {
    fn post(&self);
}

fn main() {}
