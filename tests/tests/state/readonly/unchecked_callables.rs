//! Twenty callables that change the state without any check.

use agents::prelude::*;
use agents_tests::TestServer;

use crate::support::changed;

#[wire]
#[derive(Clone, Default)]
struct Score {
    points: i64,
}

/// An agent that changes its state in twenty ways.
#[agent(state = Score)]
#[derive(Default)]
struct Board;

fn helper(cx: &Context<Board>) -> Result<()> {
    cx.update_state(|score| score.points += 1)
}

#[agent]
impl Board {
    #[hook]
    fn should_connection_be_readonly(&self, req: &ConnectRequest) -> bool {
        req.query("mode").as_deref() == Some("view")
    }

    fn method(&self, cx: &Context<Self>) -> Result<()> {
        helper(cx)
    }

    #[callable]
    fn whole(&self, cx: &Context<Self>) -> Result<()> {
        cx.set_state(Score { points: 1 })
    }

    #[callable]
    fn updated(&self, cx: &Context<Self>) -> Result<()> {
        cx.update_state(|score| score.points += 1)
    }

    #[callable]
    fn in_helper(&self, cx: &Context<Self>) -> Result<()> {
        helper(cx)
    }

    #[callable]
    fn in_method(&self, cx: &Context<Self>) -> Result<()> {
        self.method(cx)
    }

    #[callable]
    fn ambient(&self) -> Result<()> {
        helper(&agents::current::<Board>().ok_or_else(|| Error::msg("no context"))?)
    }

    #[callable]
    fn cloned(&self, cx: &Context<Self>) -> Result<()> {
        cx.clone().set_state(Score { points: 2 })
    }

    #[callable]
    fn in_closure(&self, cx: &Context<Self>) -> Result<()> {
        {
            let write = |points| cx.set_state(Score { points });
            write(3)
        }
    }

    #[callable]
    fn in_iterator(&self, cx: &Context<Self>) -> Result<()> {
        (0..3).try_for_each(|points| cx.set_state(Score { points }))
    }

    #[callable]
    fn in_transaction(&self, cx: &Context<Self>) -> Result<()> {
        cx.sql().transaction(|_| helper(cx))
    }

    #[callable]
    fn twice(&self, cx: &Context<Self>) -> Result<()> {
        helper(cx).and_then(|()| helper(cx))
    }

    #[callable]
    async fn after_await(&self, cx: &Context<Self>) -> Result<()> {
        tokio::task::yield_now().await;
        helper(cx)
    }

    #[callable]
    async fn in_block(&self, cx: &Context<Self>) -> Result<()> {
        async { helper(cx) }.await
    }

    #[callable]
    async fn joined(&self, cx: &Context<Self>) -> Result<()> {
        let (one, two) = tokio::join!(async { helper(cx) }, async { helper(cx) });
        one.and(two)
    }

    #[callable]
    async fn selected(&self, cx: &Context<Self>) -> Result<()> {
        tokio::select! { done = async { helper(cx) } => done }
    }

    #[callable]
    async fn boxed(&self, cx: &Context<Self>) -> Result<()> {
        Box::pin(async { helper(cx) }).await
    }

    #[callable]
    async fn exclusive(&self, cx: &Context<Self>) -> Result<()> {
        cx.exclusive(async { helper(cx) }).await?
    }

    #[callable]
    async fn deep(&self, cx: &Context<Self>) -> Result<()> {
        Box::pin(async { Box::pin(async { helper(cx) }).await }).await
    }

    #[callable]
    async fn late(&self, cx: &Context<Self>) -> Result<()> {
        for _ in 0..5 {
            tokio::task::yield_now().await;
        }
        self.method(cx)
    }

    #[callable]
    async fn after_read(&self, cx: &Context<Self>) -> Result<()> {
        let points = cx.state()?.points;
        tokio::task::yield_now().await;
        cx.set_state(Score { points: points + 1 })
    }

    #[callable]
    async fn in_timeout(&self, cx: &Context<Self>) -> Result<()> {
        tokio::time::timeout(std::time::Duration::from_secs(5), async { helper(cx) }).await?
    }
}

const WAYS: [&str; 20] = [
    "whole",
    "updated",
    "inHelper",
    "inMethod",
    "ambient",
    "cloned",
    "inClosure",
    "inIterator",
    "inTransaction",
    "twice",
    "afterAwait",
    "inBlock",
    "joined",
    "selected",
    "boxed",
    "exclusive",
    "deep",
    "late",
    "afterRead",
    "inTimeout",
];

#[tokio::test]
async fn s169_twenty_callables_that_check_nothing_are_all_refused() {
    let server = TestServer::start(Agents::new().register::<Board>()).await;
    let mut viewer = server.join("/agents/board/a?mode=view", true).await;
    let mut player = server.join("/agents/board/a", true).await;
    for way in WAYS {
        assert_eq!(viewer.call_error(way, json!([])).await, "Connection is readonly", "{way}");
    }
    assert_eq!(player.drain().await, [], "nothing changed");
    for way in WAYS {
        player.call(way, json!([])).await;
        let seen = viewer.drain_json().await;
        assert!(!seen.is_empty(), "{way} changes the state");
        assert_eq!(seen.last().map(|frame| &frame["type"]), Some(&json!("cf_agent_state")), "{way}");
        player.drain().await;
    }
    player.call("whole", json!([])).await;
    assert_eq!(viewer.drain_json().await, [changed(&json!({ "points": 1 }))]);
}
