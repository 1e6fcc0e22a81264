//! Helpers that the behaviour tests of `agents` share: a server on a free port and a plain client.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

mod client;
mod log_sink;
pub mod random;
mod recorder;
mod server;

pub use agents::testing::Received;
pub use client::Client;
pub use log_sink::LogSink;
pub use recorder::{Notes, Recorder, recorder};
pub use server::TestServer;

/// The time after which a test that waits counts as stuck.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Returns the current time in milliseconds since 1970.
pub fn since_1970(moment: SystemTime) -> u64 {
    let since = moment.duration_since(UNIX_EPOCH).expect("a moment after 1970");
    u64::try_from(since.as_millis()).expect("a moment of this age")
}

/// Waits for a future that must end. A test that is stuck fails.
pub async fn patient<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(TIMEOUT, future).await.expect("the future did not end in time")
}

/// The programs of a guide that need features and crates which `agents` itself is not tested with.
#[cfg(doctest)]
#[doc = include_str!("../../docs/security.md")]
pub mod security {}

/// The programs of the page about the command line and routes.
#[cfg(doctest)]
#[doc = include_str!("../../docs/reference/commands.md")]
pub mod commands {}
