//! The server under load, with small agents that have something to measure.

#![forbid(unsafe_code)]

use std::time::Duration;

use agents::limits::Limits;
use agents::prelude::*;

// SQLite takes its memory from the C library. With a single allocator, the long-lived memory of sockets would
// lie between the short-lived memory of databases, and little of the latter would be returned to the system.
#[cfg(feature = "jemalloc")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// The number of calls of `increment`.
#[wire]
#[derive(Clone, Default)]
struct Counted {
    count: u64,
}

/// An agent that answers, counts and broadcasts.
#[agent(state = Counted)]
#[derive(Default)]
struct Bench;

#[agent]
impl Bench {
    /// Sends its argument back.
    #[callable]
    fn echo(&self, value: String) -> String {
        value
    }

    /// Adds one. The answer is sent when the new state is durable.
    #[callable]
    fn increment(&self, cx: &Context<Self>) -> Result<u64> {
        cx.update_state(|counted| {
            counted.count += 1;
            counted.count
        })
    }

    /// Sends a text to all connections.
    #[callable]
    fn broadcast_to_all(&self, cx: &Context<Self>, text: String) -> Result<()> {
        cx.broadcast(text)
    }

    /// Returns an endless stream of numbers that is always ready.
    #[callable]
    fn numbers(&self) -> impl Stream<Item = u64> {
        futures_util::stream::iter(0..)
    }

    /// Sends to the caller until a limit stops it.
    #[callable]
    fn send_in_loop(&self, from: &Connection<Self>) -> Result<()> {
        loop {
            from.send("0123456789abcdef")?;
        }
    }

    /// Sends to all connections until a limit stops it.
    #[callable]
    fn broadcast_in_loop(&self, cx: &Context<Self>) -> Result<()> {
        loop {
            cx.broadcast("0123456789abcdef")?;
        }
    }

    /// Waits for 10 ms.
    #[callable]
    async fn pause(&self) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }

    /// Returns at once and takes no arguments.
    #[callable]
    fn nothing(&self) {}

    /// Takes any value and returns the number of its items.
    #[callable]
    fn measure(&self, value: serde_json::Value) -> usize {
        value.as_array().map_or(1, Vec::len)
    }
}

/// An agent that falls asleep after a short time, so that a run is short.
#[agent(state = Counted, hibernate_after = "1s")]
#[derive(Default)]
struct Nap;

#[agent]
impl Nap {
    /// Sends its argument back without reading data of the agent.
    #[callable]
    fn echo(&self, value: String) -> String {
        value
    }

    /// Reads the state, then sends its argument back.
    #[callable]
    fn read(&self, cx: &View<Self>, value: String) -> Result<String> {
        cx.state()?;
        Ok(value)
    }

    /// Sends a text to all connections.
    #[callable]
    fn broadcast_to_all(&self, cx: &Context<Self>, text: String) -> Result<()> {
        cx.broadcast(text)
    }

    /// Changes the state, then sends its argument back when the change is durable.
    #[callable]
    fn write(&self, cx: &Context<Self>, value: String) -> Result<String> {
        cx.update_state(|counted| counted.count += 1)?;
        Ok(value)
    }
}

/// An agent that stores nothing.
#[agent(hibernate_after = "1s")]
#[derive(Default)]
struct Plain;

#[agent]
impl Plain {
    /// Sends its argument back.
    #[callable]
    fn echo(&self, value: String) -> String {
        value
    }

    /// Sends a text to all connections.
    #[callable]
    fn broadcast_to_all(&self, cx: &Context<Self>, text: String) -> Result<()> {
        cx.broadcast(text)
    }
}

/// Returns the limits; `BENCH_LIMITS=internet` selects those for a host that faces the internet.
fn limits() -> Limits {
    match std::env::var("BENCH_LIMITS").as_deref() {
        Ok("internet") => Limits::internet_facing(),
        _ => Limits::default(),
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    Agents::new().register::<Bench>().register::<Nap>().register::<Plain>().limits(limits()).run().await
}
