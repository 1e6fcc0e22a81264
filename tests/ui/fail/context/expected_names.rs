use std::time::Duration;

use agents::prelude::*;

#[agent]
struct Room;

#[agent]
impl Room {
    #[callable]
    async fn later(&self, cx: &Context<Self>) -> Result<()> {
        let _id = cx.schedule(Duration::from_secs(1), "tick", ()).await?;
        Ok(())
    }

    #[callable]
    fn enqueue(&self, cx: &Context<Self>) -> Result<()> {
        cx.queue("tick", json!({ "room": cx.name() }))
    }

    #[callable]
    fn soon(&self, cx: &Context<Self>) -> Result<()> {
        cx.set_alarm(Duration::from_secs(1))?;
        cx.wait_until(async {})
    }

    #[callable]
    fn never(&self, cx: &Context<Self>) -> Result<()> {
        cx.delete_alarm()?;
        cx.destroy()
    }
}

fn main() {}
