use agents::prelude::*;

struct Room<T>(T);

#[agent]
impl<T> Room<T> {
    #[callable]
    fn post(&self) {}
}

fn main() {}
