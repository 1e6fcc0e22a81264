use std::time::{Duration, Instant, SystemTime};

use agents::prelude::*;

#[agent]
struct Room;

#[agent]
impl Room {
    #[callable]
    fn wait(&self, pause: Duration) -> Result<()> {
        drop(pause);
        Ok(())
    }

    #[callable]
    fn at(&self, at: Option<SystemTime>) {
        drop(at);
    }

    #[callable]
    fn began(&self) -> Instant {
        Instant::now()
    }
}

fn main() {}
