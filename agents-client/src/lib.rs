//! The Rust client of `agents`: calls, streamed answers, synchronised state and messages over one
//! WebSocket that reconnects by itself.
//!
//! If the crate that defines an agent is a dependency, a client has the agent's methods and the type of its
//! state:
//!
//! ```no_run
//! use agents::prelude::*;
//! use agents_client::{AgentClient, ClientError, StreamExt};
//!
//! #[wire]
//! #[derive(Clone, Debug, Default)]
//! struct Room {
//!     topic: String,
//! }
//!
//! #[agent(state = Room)]
//! #[derive(Default)]
//! struct ChatRoom;
//!
//! #[agent]
//! impl ChatRoom {
//!     #[callable]
//!     fn history(&self, #[default = 20] limit: u32) -> Result<Vec<String>> {
//!         // ..
//!         # drop(limit); Ok(vec![])
//!     }
//!
//!     #[callable]
//!     fn ask(&self, out: &StreamingResponse<String>, question: String) -> Result<u32> {
//!         // ..
//!         # drop(question); out.send("well".to_owned())?; Ok(1)
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), ClientError> {
//! let room = AgentClient::<ChatRoom>::connect("http://127.0.0.1:8787", "lobby").await?;
//!
//! // Callables are methods. An argument that has a default is an `Option`.
//! let posts: Vec<String> = room.history(None).await?;
//!
//! // Streams give their items, then the result. Dropping one tells the agent to stop.
//! let mut tokens = room.ask("why?".into()).await?;
//! while let Some(token) = tokens.next().await {
//!     eprint!("{}", token?);
//! }
//! let count: u32 = tokens.result()?;
//!
//! // The client has a copy of the state: read it, wait for a value, or set it.
//! let mut state = room.state();
//! eprintln!("{:?}", state.get()?);
//! room.set_state(&Room { topic: "rust".into() }).await?;
//! let on_topic: Room = state.wait_for(|room| room.topic == "rust").await?;
//!
//! // Messages beside the protocol.
//! room.send("typing").await?;
//! let mut messages = room.messages();
//! while let Some(message) = messages.next().await {
//!     eprintln!("{:?}", message?);
//! }
//! # drop((posts, count, on_topic)); Ok(()) }
//! ```
//!
//! A callable that has the name of a method of the client ([`send`](AgentClient::send), `state`, `close` …)
//! is called by [`room.methods()`](AgentClient::methods). A dynamic client ([`Dynamic`]) has no class: it
//! calls by name, and the program gives the types:
//!
//! ```no_run
//! use agents_client::AgentClient;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), agents_client::ClientError> {
//! let room = AgentClient::dynamic_builder("http://127.0.0.1:8787", "ChatRoom", "lobby")
//!     .query("username", "ann")
//!     .connect()
//!     .await?;
//! let posts: Vec<String> = room.call("history", (20,)).await?;
//! let mut tokens = room.call_streaming::<String>("ask", ("why?",)).await?;
//! let topic = room.state().get()?.map(|room| room["topic"].clone());
//! # drop((posts, tokens, topic)); Ok(()) }
//! ```
//!
//! # Without the server
//!
//! The crate `agents` has this crate as `agents::client` with its feature `client`. If
//! `default-features = false` is set as well, a crate of agents consists of their types and calls: no HTTP
//! server and no SQLite are compiled. `examples/shared-types` in the repository is such a pair of crates.
//! Cargo gives a crate that is built for two others together the features of both, so only a separate build
//! is small.
//!
//! # When the connection is lost
//!
//! | what | what happens to it |
//! |---|---|
//! | the connection | is opened again with jittered exponential back-off ([`Reconnect`]), with the same id |
//! | a call that was on the wire | fails with [`ClientError::Disconnected`]: the method may have run |
//! | a call, state or message that was still buffered | is sent after the reconnect |
//! | everything, after a close with 1008 or 4000-4999 | fails with [`ClientError::Refused`]; the client has stopped |
//!
//! Every call ends: with an answer, with an error, after its timeout, or when the client closes.

#![forbid(unsafe_code)]

mod builder;
mod client;
mod connection;
mod error;
mod identity;
mod message;
mod remote_caller;
mod state;
mod status;
mod stream;
mod target;

pub use builder::AgentClientBuilder;
pub use client::AgentClient;
pub use connection::reconnect::Reconnect;
pub use error::{ClientError, Lost};
pub use futures_util::StreamExt;
pub use identity::Identity;
pub use message::Message;
pub use remote_caller::RemoteCaller;
pub use state::StateWatch;
pub use status::Status;
pub use stream::{CallStream, Feed};
pub use target::{ClientTarget, Dynamic};
