use agents::prelude::*;

#[agent]
struct Room;

#[agent]
impl Room {
    #[callable]
    fn post(&self, body: impl Into<String>) -> Result<()> {
        let _: String = body.into();
        Ok(())
    }
}

fn main() {}
