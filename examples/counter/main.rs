//! One counter and many clients: state that belongs to the agent, callables, a stream, and a read-only
//! client.
//!
//! `cargo run --example counter`, then open the address it prints.

use std::time::Duration;

use agents::axum::{Router, response::Html, routing::get};
use agents::prelude::*;

const PAGE: &str = concat!(
    "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'><style>",
    include_str!("../shared/page.css"),
    "</style><script>",
    include_str!("../shared/client.js"),
    "</script>",
    include_str!("page.html"),
);

/// The state that every client sees and may replace.
#[wire]
#[derive(Clone, Default)]
struct Count {
    count: i64,
    last_by: Option<String>,
}

/// The state of a connection: the name of its user.
#[wire]
#[derive(Clone)]
struct Visitor {
    user_id: String,
    joined_at: u64,
}

/// A number that all its clients share.
#[agent(state = Count, connection = Visitor)]
#[derive(Default)]
struct Counter;

#[agent]
impl Counter {
    #[hook]
    fn authorize(&self, cx: &Context<Self>, req: &ConnectRequest) -> Result<Visitor, Refusal> {
        let user_id = req.query("user").map_or_else(|| "anonymous".to_owned(), |user| user.into_owned());
        Ok(Visitor { user_id, joined_at: cx.now() })
    }

    /// Makes a connection with `?mode=view` read-only. Such a client may still start a stream.
    #[hook]
    fn should_connection_be_readonly(&self, req: &ConnectRequest) -> bool {
        req.query("mode").as_deref() == Some("view")
    }

    /// Checks changes from this program and from clients alike.
    #[hook]
    fn validate_state_change(&self, next: &Count) -> Result<()> {
        if next.count.abs() > 100 {
            return Err(Error::msg("the count stays between -100 and 100"));
        }
        Ok(())
    }

    /// Handles frames that do not belong to the protocol: text is sent to all clients, bytes are counted.
    #[hook]
    fn on_message(&self, cx: &Context<Self>, conn: &Connection<Self>, message: Message) -> Result<()> {
        match message {
            Message::Text(text) => {
                cx.broadcast(&json!({ "from": conn.id(), "message": text.as_str(), "timestamp": cx.now() }))
            }
            Message::Binary(bytes) => conn.send(&json!({ "status": "received", "size": bytes.len() })),
        }
    }

    /// Adds to the count; the default is 1.
    #[callable]
    fn increment(&self, cx: &Context<Self>, from: &Connection<Self>, by: Option<i64>) -> Result<i64> {
        self.add(cx, from, by.unwrap_or(1))
    }

    /// Subtracts from the count; the default is 1.
    #[callable]
    fn decrement(&self, cx: &Context<Self>, from: &Connection<Self>, by: Option<i64>) -> Result<i64> {
        self.add(cx, from, by.unwrap_or(1).saturating_neg())
    }

    /// Sets the count to zero.
    #[callable]
    fn reset(&self, cx: &Context<Self>, from: &Connection<Self>) -> Result<()> {
        let last_by = Some(from.state()?.user_id.clone());
        cx.set_state(Count { count: 0, last_by })
    }

    /// Counts down: each number is a chunk, and the last word is the result.
    #[callable]
    async fn countdown(&self, out: &StreamingResponse<u32>, start: u32) -> Result<String> {
        if start > 20 {
            return Err(Error::msg("a countdown starts at 20 or below"));
        }
        for left in (1..=start).rev() {
            out.send(left)?;
            tokio::time::sleep(Duration::from_millis(400)).await;
        }
        Ok("lift-off".to_owned())
    }

    fn add(&self, cx: &Context<Self>, from: &Connection<Self>, by: i64) -> Result<i64> {
        let user_id = from.state()?.user_id.clone();
        cx.update_state(|state| {
            state.count = state.count.saturating_add(by);
            state.last_by = Some(user_id);
            state.count
        })
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let page = Router::new().route("/", get(|| async { Html(PAGE) }));
    Agents::new().register::<Counter>().routes(page).run().await
}
