use agents::prelude::*;

#[wire]
#[derive(Clone, Default)]
struct Counter {
    count: u32,
}

#[agent(state = Counter)]
struct Room;

#[agent]
impl Room {
    #[hook]
    fn validate_state_change(&self, next: &u32) -> Result<()> {
        let _ = next;
        Ok(())
    }
}

fn main() {}
