use agents::prelude::*;

#[agent]
struct Room;

#[agent]
impl Room {
    #[callable]
    const fn first(&self) {}

    #[callable]
    unsafe fn second(&self) {}

    #[callable]
    extern "C" fn third(&self) {}
}

fn main() {}
