//! The server under load: the smallest agent that has something to measure.

#![forbid(unsafe_code)]

use std::time::Duration;

use agents::limits::Limits;
use agents::prelude::*;

// SQLite takes its memory from the C library. With one allocator for both, what sockets keep for long
// lies between what databases use for a moment, and little of that goes back to the system.
#[cfg(feature = "jemalloc")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// How often `increment` was called.
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

    /// Adds one; the answer leaves when the new state is durable.
    #[callable]
    fn increment(&self, cx: &Context<Self>) -> Result<u64> {
        cx.update_state(|counted| {
            counted.count += 1;
            counted.count
        })
    }

    /// Sends a text to everybody.
    #[callable]
    fn broadcast_to_all(&self, cx: &Context<Self>, text: String) -> Result<()> {
        cx.broadcast(text)
    }

    /// Numbers without end, always ready.
    #[callable]
    fn numbers(&self) -> impl Stream<Item = u64> {
        futures_util::stream::iter(0..)
    }

    /// Sends to the caller as much as it may.
    #[callable]
    fn send_in_loop(&self, from: &Connection<Self>) -> Result<()> {
        loop {
            from.send("0123456789abcdef")?;
        }
    }

    /// Sends to everybody as much as it may.
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

    /// Takes no arguments.
    #[callable]
    fn nothing(&self) {}

    /// Takes any value and returns how many items it has.
    #[callable]
    fn measure(&self, value: serde_json::Value) -> usize {
        value.as_array().map_or(1, Vec::len)
    }
}

/// An agent that falls asleep soon, so that a run need not wait for long.
#[agent(state = Counted, hibernate_after = "1s")]
#[derive(Default)]
struct Nap;

#[agent]
impl Nap {
    /// Sends its argument back; nothing of the agent's is read.
    #[callable]
    fn echo(&self, value: String) -> String {
        value
    }

    /// Reads the state and sends its argument back.
    #[callable]
    fn read(&self, cx: &View<Self>, value: String) -> Result<String> {
        cx.state()?;
        Ok(value)
    }

    /// Sends a text to everybody.
    #[callable]
    fn broadcast_to_all(&self, cx: &Context<Self>, text: String) -> Result<()> {
        cx.broadcast(text)
    }

    /// Changes the state and sends its argument back, durably.
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

    /// Sends a text to everybody.
    #[callable]
    fn broadcast_to_all(&self, cx: &Context<Self>, text: String) -> Result<()> {
        cx.broadcast(text)
    }
}

/// `BENCH_LIMITS=internet` takes the limits for a host that faces the internet.
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
