//! The server under load: the smallest agent that has something to measure.

#![forbid(unsafe_code)]

use agents::prelude::*;

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
}

#[tokio::main]
async fn main() -> Result<()> {
    Agents::new().register::<Bench>().run().await
}
