use agents::prelude::*;

use std::rc::Rc;

async fn later() {}

#[agent]
struct Room;

#[agent]
impl Room {
    #[callable]
    async fn post(&self, cx: &Context<Self>, body: String) -> Result<()> {
        let shared = Rc::new(body);
        cx.broadcast(&json!({ "body": *shared }))?;
        later().await;
        drop(shared);
        Ok(())
    }
}

fn main() {}
