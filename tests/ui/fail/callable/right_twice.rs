use agents::prelude::*;

#[agent]
struct Room;

#[agent]
impl Room {
    #[hook]
    fn has_right(&self, right: &str) -> bool {
        right == "editor"
    }

    #[callable(require = "editor", require = "owner")]
    fn reset(&self) {}
}

fn main() {}
