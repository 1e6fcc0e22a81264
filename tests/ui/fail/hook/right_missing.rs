use agents::prelude::*;

#[agent]
struct Room;

#[agent]
impl Room {
    #[hook]
    fn has_right(&self, conn: &Connection<Self>) -> bool {
        !conn.is_readonly()
    }

    #[callable(require = "editor")]
    fn reset(&self) {}
}

fn main() {}
