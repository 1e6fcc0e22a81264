//! The Rust client of `agents`: calls, streamed answers, synchronised state and messages over one
//! WebSocket that reconnects by itself.
//!
//! ```no_run
//! use agents_client::{AgentClient, StreamExt};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), agents_client::ClientError> {
//! let room = AgentClient::builder("http://127.0.0.1:8787", "ChatRoom", "lobby")
//!     .query("username", "ann")
//!     .connect()
//!     .await?;
//!
//! // Calls are checked against the types you name.
//! let posts: Vec<serde_json::Value> = room.call("history", (20,)).await?;
//!
//! // Streams give their items, then the result.
//! let mut tokens = room.call_streaming::<String>("ask", ("why?",)).await?;
//! while let Some(token) = tokens.next().await {
//!     eprint!("{}", token?);
//! }
//! let count: u32 = tokens.result()?;
//!
//! // The state is mirrored.
//! let mut state = room.state();
//! eprintln!("{:?}", state.borrow_and_update());
//!
//! // Messages beside the protocol.
//! room.send("typing").await?;
//! let mut messages = room.messages();
//! while let Some(message) = messages.next().await {
//!     eprintln!("{:?}", message?);
//! }
//! # drop((posts, count)); Ok(()) }
//! ```
//!
//! # When the connection is lost
//!
//! | what | happens to it |
//! |---|---|
//! | the connection | is made again with jittered exponential back-off ([`Reconnect`]), under the same id |
//! | a call that was on the wire | fails with [`ClientError::Disconnected`]: nobody knows whether it ran |
//! | a call, state or message that was still buffered | is sent after the reconnect |
//! | everything, after a close with 1008 or 4000-4999 | fails with [`ClientError::Refused`]; the client has stopped |
//!
//! Every call settles: with an answer, with an error, after its time limit, or when the client closes.

#![forbid(unsafe_code)]

mod address;
mod builder;
mod client;
mod close;
mod error;
mod frame;
mod identity;
mod inner;
mod kind;
mod message;
mod reconnect;
mod remote;
mod session;
mod state;
mod status;
mod stream;
#[cfg(feature = "tls")]
mod tls;
mod worker;

pub use builder::AgentClientBuilder;
pub use client::AgentClient;
pub use error::{ClientError, Lost};
pub use futures_util::StreamExt;
pub use identity::Identity;
pub use kind::{Kind, Untyped};
pub use message::Message;
pub use reconnect::Reconnect;
pub use remote::Remote;
pub use state::StateWatch;
pub use status::Status;
pub use stream::{CallStream, Feed};
