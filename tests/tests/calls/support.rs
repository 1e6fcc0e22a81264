//! Agents that call each other, and the state that they share with a test.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use agents::Stream;
use agents::class::CallOrigin;
use agents::prelude::*;
use agents::testing::TestHost;
use futures_util::stream;
use tokio::sync::Notify;

/// State that the handlers share with their test.
#[derive(Default)]
pub(crate) struct Levers {
    pub(crate) go: Notify,
    /// The number of endless streams that run.
    pub(crate) streams: AtomicU32,
    /// The number of chunks that `pours` has sent.
    pub(crate) poured: AtomicU32,
    /// The number of starts of a `Peer`.
    pub(crate) starts: AtomicU32,
    /// The outcome of the last call that an agent made to itself while it fell asleep.
    pub(crate) goodbye: Mutex<Option<String>>,
}

#[wire]
#[derive(Clone, Default)]
pub(crate) struct Tally {
    pub(crate) count: u32,
}

#[wire]
#[derive(Debug, PartialEq)]
pub(crate) struct Mean {
    pub(crate) values: Vec<f64>,
}

/// An agent that counts and calls other agents.
#[agent(state = Tally, env = Arc<Levers>)]
#[derive(Default)]
pub(crate) struct Peer;

struct Running(Arc<Levers>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.streams.fetch_sub(1, Ordering::SeqCst);
    }
}

#[agent]
impl Peer {
    #[hook]
    async fn on_start(&self, cx: &Context<Self>) -> Result<()> {
        cx.env().starts.fetch_add(1, Ordering::SeqCst);
        match cx.name() {
            "calls-itself" => cx.agent::<Self>("calls-itself").call::<u32>("add", (1,)).await.map(drop),
            "starts-through-another" => {
                let back = ("starts-through-another", "add", 1);
                cx.agent::<Self>("between").call::<u32>("forward", back).await.map(drop)
            }
            "greets" => cx.agent::<Self>("greeted").add(1).await.map(drop),
            "never-starts" => Err(Error::msg("out of order")),
            _ => Ok(()),
        }
    }

    #[hook]
    async fn on_hibernate(&self, cx: &Context<Self>) -> Result<()> {
        if cx.name() == "says-goodbye" {
            let said = cx.agent::<Self>("between").forward("says-goodbye".into(), "add".into(), 1).await;
            let said = said.map_or_else(|error| error.code().to_owned(), |count| count.to_string());
            *cx.env().goodbye.lock().expect("a lock") = Some(said);
        }
        Ok(())
    }

    #[callable]
    fn add(&self, cx: &Context<Self>, by: u32) -> Result<u32> {
        cx.update_state(|tally| {
            tally.count += by;
            tally.count
        })
    }

    #[callable]
    fn count(&self, cx: &View<Self>) -> Result<u32> {
        Ok(cx.state()?.count)
    }

    #[callable(exclusive)]
    fn add_alone(&self, cx: &Context<Self>, by: u32) -> Result<u32> {
        self.add(cx, by)
    }

    /// Calls a method of another agent with one argument.
    #[callable]
    async fn forward(&self, cx: &Context<Self>, to: String, method: String, by: u32) -> Result<u32> {
        cx.agent::<Peer>(to).call(&method, (by,)).await
    }

    #[callable(exclusive)]
    async fn forward_alone(&self, cx: &Context<Self>, to: String, method: String, by: u32) -> Result<u32> {
        cx.agent::<Peer>(to).call(&method, (by,)).await
    }

    /// Calls another agent, which calls this agent back.
    #[callable]
    async fn round_trip(&self, cx: &Context<Self>, over: String, method: String) -> Result<u32> {
        let me = cx.name().to_owned();
        cx.agent::<Peer>(over).call("forward", (me, method, 1)).await
    }

    #[callable(exclusive)]
    async fn round_trip_alone(&self, cx: &Context<Self>, over: String, method: String) -> Result<u32> {
        let me = cx.name().to_owned();
        cx.agent::<Peer>(over).call("forward", (me, method, 1)).await
    }

    #[callable]
    async fn round_trip_closed(&self, cx: &Context<Self>, over: String) -> Result<u32> {
        let me = cx.name().to_owned();
        let called = cx.agent::<Self>(over).call("forward", (me, "add", 1));
        // The section itself must succeed, because an agent whose section fails is restarted.
        cx.object().block_concurrency_while(async { Ok(called.await) }).await?
    }

    /// Calls another agent from an exclusive section. That agent calls this agent back.
    #[callable]
    async fn round_trip_in_section(&self, cx: &Context<Self>, over: String, method: String) -> Result<u32> {
        let back = (cx.name().to_owned(), method, 1);
        let stub = cx.agent::<Self>(over);
        cx.exclusive(async { stub.call("forward", back).await }).await?
    }

    #[callable]
    async fn add_in_section(&self, cx: &Context<Self>, by: u32) -> Result<u32> {
        cx.exclusive(async { self.add(cx, by) }).await?
    }

    /// Passes a ball on without waiting for the result.
    #[callable]
    fn bounce(&self, cx: &Context<Self>, to: String, left: u32) -> Result<()> {
        if left == 0 {
            return self.add(cx, 1).map(drop);
        }
        let inner = cx.clone();
        cx.spawn(async move {
            // The sender gets its answer first.
            tokio::task::yield_now().await;
            let me = inner.name().to_owned();
            inner.agent::<Self>(to).bounce(me, left - 1).await
        })
    }

    /// Sends more at once than may wait for a reader.
    #[callable]
    fn floods(&self, out: &StreamingResponse<String>) -> Result<()> {
        let mebibyte = "x".repeat(1024 * 1024);
        (0..100).try_for_each(|_| out.send(mebibyte.clone()))
    }

    /// Sends much more, as fast as the reader takes it.
    #[callable]
    async fn pours(&self, cx: &Context<Self>, out: &StreamingResponse<String>) -> Result<u32> {
        let mebibyte = "x".repeat(1024 * 1024);
        for n in 0..100 {
            out.ready().await;
            out.send(mebibyte.clone())?;
            cx.env().poured.store(n + 1, Ordering::SeqCst);
        }
        Ok(100)
    }

    /// Calls from a task that does not belong to the agent.
    #[callable]
    async fn forward_from_outside(&self, cx: &Context<Self>, to: String) -> Result<String> {
        let call = cx.agent::<Self>(to).call::<u32>("add", (1,));
        let failed = tokio::spawn(call).await?;
        Ok(failed.expect_err("it is outside").code().to_owned())
    }

    #[callable]
    async fn endlessly(&self, cx: &Context<Self>) -> Result<u32> {
        let me = cx.name().to_owned();
        cx.agent::<Peer>(me).call("endlessly", ()).await
    }

    #[callable]
    async fn waits(&self, cx: &View<Self>) -> Result<u32> {
        cx.env().go.notified().await;
        Ok(1)
    }

    #[callable]
    async fn forward_waits(&self, cx: &Context<Self>, to: String, limit_ms: u64) -> Result<u32> {
        let stub = cx.agent::<Peer>(to).with_timeout(Duration::from_millis(limit_ms));
        stub.call("waits", ()).await
    }

    #[callable]
    fn fails(&self, visible: bool) -> Result<()> {
        Err(match visible {
            true => Error::new("out_of_paper", "no more paper"),
            false => Error::internal(std::io::Error::other("/secret/path")),
        })
    }

    #[callable]
    fn mean(&self, of: Vec<f64>) -> Mean {
        // The mean of an empty list is NaN.
        Mean { values: vec![of.iter().sum::<f64>() / of.len() as f64] }
    }

    #[callable]
    fn means(&self, of: Vec<f64>) -> impl Stream<Item = Mean> {
        stream::iter([self.mean(vec![1.0]), self.mean(of)])
    }

    /// Sends a mean and returns another.
    #[callable]
    fn two_means(&self, out: &StreamingResponse<Mean>, sent: Vec<f64>, returned: Vec<f64>) -> Result<Mean> {
        out.send(self.mean(sent))?;
        Ok(self.mean(returned))
    }

    #[callable]
    async fn forward_mean(&self, cx: &Context<Self>, to: String, of: Vec<f64>) -> Result<Mean> {
        cx.agent::<Peer>(to).mean(of).await
    }

    #[callable]
    fn panics(&self) {
        panic!("a secret")
    }

    #[callable]
    async fn forward_fails(&self, cx: &Context<Self>, to: String, visible: bool) -> Result<(String, String)> {
        let failed = cx.agent::<Peer>(to).call::<()>("fails", (visible,)).await;
        let error = failed.expect_err("it fails");
        Ok((error.code().to_owned(), error.to_string()))
    }

    /// Returns the caller, and whether the call has a connection.
    #[callable]
    fn origin(&self, cx: &Context<Self>, conn: Option<&Connection<Self>>) -> Result<String> {
        let called_by = match cx.called_by() {
            Some(CallOrigin::Agent { class, name, .. }) => format!("{class}/{name}"),
            Some(_) => "host".to_owned(),
            None => "client".to_owned(),
        };
        assert_eq!(conn.is_some(), cx.caller().is_some());
        let ambient = agents::current::<Self>().expect("a context");
        assert_eq!(ambient.called_by(), cx.called_by());
        Ok(format!("{called_by} {}", if conn.is_some() { "connected" } else { "unconnected" }))
    }

    #[callable]
    async fn forward_origin(&self, cx: &Context<Self>, to: String) -> Result<String> {
        cx.agent::<Peer>(to).call("origin", ()).await
    }

    #[callable]
    fn needs_connection(&self, _conn: &Connection<Self>) {}

    /// Doubles the count. Clients cannot call this method.
    #[callable(internal)]
    fn double(&self, cx: &Context<Self>) -> Result<u32> {
        cx.update_state(|tally| {
            tally.count *= 2;
            tally.count
        })
    }

    #[callable]
    async fn double_other(&self, cx: &Context<Self>, to: String) -> Result<u32> {
        cx.agent::<Self>(to).double().await
    }

    #[callable(require = "editor")]
    fn needs_right(&self) -> u32 {
        5
    }

    #[hook]
    fn has_right(&self, _right: &str) -> bool {
        false
    }

    /// Writes and calls, then fails. The write is undone, so the call must not have been sent.
    #[callable]
    async fn call_then_fail(&self, cx: &Context<Self>, to: String) -> Result<()> {
        let call = cx.agent::<Peer>(to).call::<u32>("add", (1,));
        cx.sql().transaction(|_| -> Result<()> {
            cx.update_state(|tally| tally.count = 99)?;
            Err(Error::msg("no"))
        })?;
        call.await.map(drop)
    }

    /// Writes, then calls another agent.
    #[callable]
    async fn add_then_forward(&self, cx: &Context<Self>, to: String) -> Result<u32> {
        self.add(cx, 1)?;
        cx.agent::<Self>(to).add(1).await
    }

    #[callable]
    fn numbers(&self, to: u32) -> impl Stream<Item = Result<u32>> {
        stream::iter((0..to).map(Ok))
    }

    #[callable]
    async fn spoken(&self, out: &StreamingResponse<u32>, to: u32) -> Result<String> {
        for n in 0..to {
            out.send(n)?;
            tokio::task::yield_now().await;
        }
        Ok("said".to_owned())
    }

    #[callable]
    fn breaks(&self) -> impl Stream<Item = Result<u32>> {
        stream::iter([Ok(1), Err(Error::new("broken", "no more paper"))])
    }

    #[callable]
    fn endless(&self, cx: &View<Self>, from: u32) -> impl Stream<Item = u32> + use<> {
        let levers = cx.env().clone();
        levers.streams.fetch_add(1, Ordering::SeqCst);
        stream::unfold((from, Running(levers)), async |(n, running)| {
            tokio::task::yield_now().await;
            Some((n, (n + 1, running)))
        })
    }

    /// Passes on the stream of another agent.
    #[callable]
    async fn relay(
        &self,
        cx: &Context<Self>,
        from: String,
        method: String,
        to: u32,
    ) -> Result<impl Stream<Item = Result<u32>>> {
        cx.agent::<Peer>(from).call_streaming::<u32>(&method, (to,)).await
    }
}

pub(crate) fn program(levers: &Arc<Levers>) -> Agents {
    Agents::new().register::<Peer>().env(levers.clone())
}

pub(crate) fn host() -> (TestHost, Arc<Levers>) {
    let levers = Arc::new(Levers::default());
    let shared = levers.clone();
    let program = move || program(&shared);
    // In chaos mode, agents hibernate or crash after every event that allows it.
    let host = match std::env::var("AGENTS_TEST_CHAOS") {
        Ok(seed) => TestHost::chaos(seed.parse().expect("a number"), program),
        Err(_) => TestHost::start(program),
    };
    (host.expect("the host starts"), levers)
}
