//! Tasks that call the methods of their agent.

use agents::prelude::*;
use agents::serde_json::Value;
use agents::testing::TestHost;

#[wire]
#[derive(Clone, Default)]
struct Ticks {
    count: u32,
}

#[agent(state = Ticks)]
#[derive(Default)]
struct Clock {
    step: u32,
}

#[agent]
impl Clock {
    #[hook]
    fn on_start(&mut self, cx: &Context<Self>) -> Result<()> {
        self.step = 3;
        let error = cx.instance().err().ok_or_else(|| Error::msg("it is there too early"))?;
        assert!(error.to_string().contains("has not started"), "{error}");
        let later = cx.clone();
        cx.spawn(async move {
            tokio::task::yield_now().await;
            later.instance()?.tick(&later)
        })
    }

    #[callable]
    fn tick(&self, cx: &Context<Self>) -> Result<()> {
        cx.update_state(|ticks| ticks.count += self.step).map(drop)
    }

    #[callable]
    fn tick_later(&self, cx: &Context<Self>) -> Result<()> {
        let (agent, task) = (cx.instance()?, cx.clone());
        cx.spawn(async move {
            tokio::task::yield_now().await;
            agent.tick(&task)
        })
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_reaches_its_agent() {
    let host = TestHost::start(|| Agents::new().register::<Clock>()).expect("a host");
    let mut client = host.connect("/agents/clock/a").await;
    let mut counts = Vec::new();
    let count = |frame: &Value| frame["state"]["count"].as_u64();
    while !counts.contains(&3) {
        counts.extend(count(&client.json().await));
    }
    client.call::<()>("tickLater", ()).await;
    while !counts.contains(&6) {
        counts.extend(count(&client.json().await));
    }
}
