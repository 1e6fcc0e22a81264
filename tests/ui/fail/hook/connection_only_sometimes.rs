use agents::prelude::*;

#[agent]
struct Room;

#[agent]
impl Room {
    #[hook]
    async fn on_state_changed(&self, conn: &Connection<Self>, change: StateChange<Self>) {
        let _ = (conn, change);
    }
}

fn main() {}
