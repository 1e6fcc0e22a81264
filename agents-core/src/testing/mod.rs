//! A host for tests: the production code, in memory, on a clock that a test controls.
//!
//! A [`TestHost`] is a real host with its databases in a temporary folder. Its clients are real
//! WebSocket clients on pipes in memory. With tokio's paused clock no test waits for real time:
//! when every task waits, the clock jumps to the next timer, and [`TestHost::advance`] moves it.
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap().block_on(async {
//! use std::time::Duration;
//!
//! use agents_core::Agents;
//! use agents_core::object::{DurableObject, ObjectContext, Request, Response, WebSocket, WebSocketUpgrade};
//! use agents_core::testing::TestHost;
//! use agents_core::{Message, Result, axum::response::IntoResponse, http::StatusCode};
//!
//! #[derive(Default)]
//! struct Echo;
//!
//! impl DurableObject for Echo {
//!     async fn fetch(&self, cx: &ObjectContext, mut request: Request) -> Result<Response> {
//!         if let Some(upgrade) = WebSocketUpgrade::take(&mut request) {
//!             cx.accept_web_socket(upgrade, ["echo"])?;
//!         }
//!         Ok(StatusCode::SWITCHING_PROTOCOLS.into_response())
//!     }
//!
//!     async fn web_socket_message(&self, _: &ObjectContext, from: &WebSocket, message: Message) -> Result<()> {
//!         from.send(message)
//!     }
//! }
//!
//! let host = TestHost::start(|| Agents::new().register_object::<Echo>("echo")).unwrap();
//! let object = host.object("echo", "one");
//! let mut client = object.connect("").await;
//! object.hibernate().await.unwrap();
//! assert!(!object.is_awake());
//! client.send("still there?").await;
//! assert_eq!(client.next().await.text(), "still there?");
//! host.advance(Duration::from_secs(11)).await;
//! assert!(!object.is_awake());
//! # });
//! ```

mod connection;
mod folder;
mod host;
mod object;
mod pipe;
mod session;

pub use connection::{CallError, Received, TestConnection};
pub use host::{TestHost, start_in_chaos};
pub use object::{ConnectionStatus, StillAwake, TestObject};
pub use pipe::Transport;

#[doc(hidden)]
pub use crate::storage::{DataFolder, Faults, HeldSyncs};
