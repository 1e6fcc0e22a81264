use agents::prelude::*;

#[agent]
struct Room;

#[agent]
impl Room {
    #[hook]
    fn has_right(&self, _right: &str) -> Result<()> {
        Ok(())
    }
}

fn main() {}
