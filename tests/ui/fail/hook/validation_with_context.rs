use agents::prelude::*;

#[agent]
struct Room;

#[agent]
impl Room {
    #[hook]
    fn validate_state_change(&self, cx: &Context<Self>, next: &u32) -> Result<()> {
        let _ = (cx, next);
        Ok(())
    }
}

fn main() {}
