use agents::prelude::*;

#[agent]
struct Room;

#[agent]
impl Room {
    #[callable]
    fn sum(&self, numbers: &[i64]) -> i64 {
        numbers.iter().sum()
    }
}

fn main() {}
