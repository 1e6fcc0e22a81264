use agents::prelude::*;

#[agent]
struct Room;

#[agent]
impl Room {
    #[hook]
    fn has_right(&self, right: &str) -> bool {
        right == "editor"
    }

    #[callable(require)]
    fn reset(&self) {}

    #[callable(require = "")]
    fn shut(&self) {}

    #[callable(require = Right::Editor)]
    fn open(&self) {}
}

fn main() {}
