use agents::prelude::*;

#[agent]
struct Room;

#[agent]
impl Room {
    #[callable]
    fn get_user(&self) {}

    #[callable]
    #[allow(non_snake_case)]
    fn getUser(&self) {}
}

fn main() {}
