//! One object of a test host.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use serde_json::Value;
use tokio_tungstenite::tungstenite;
use tower::ServiceExt;

use crate::agent::Response;
use crate::gateway::Attachment;
use crate::object::{Command, Flags, ObjectHandle, ObjectKey, ObjectStatus, PinnedBy};
use crate::testing::TestConnection;
use crate::testing::host::Slot;

/// The maximum time that `hibernate` waits for running work.
const TIMEOUT: Duration = Duration::from_secs(5);

/// An agent or object of a [`TestHost`](super::TestHost).
#[derive(Clone)]
pub struct TestObject {
    pub(super) host: Arc<Slot>,
    pub(super) key: ObjectKey,
}

/// The error of an object that did not hibernate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the object does not hibernate: it is kept awake by {}", list(.pinned_by))]
pub struct StillAwake {
    /// The reasons why the object stays awake.
    pub pinned_by: Vec<PinnedBy>,
}

fn list(pins: &[PinnedBy]) -> String {
    pins.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// The data that the gateway keeps for a connection.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ConnectionStatus {
    /// The id.
    pub id: String,
    /// Path and query of the request.
    pub uri: Option<String>,
    /// The tags; the first tag of an agent's connection is the id.
    pub tags: Vec<String>,
    /// The flags of the layer above the object.
    pub flags: Flags,
    /// The value that the object stored for the connection; `None` if it stored none.
    pub attachment: Option<Value>,
    /// The time when a message was last answered without the object, in milliseconds since 1970.
    pub answered_at: Option<u64>,
}

impl TestObject {
    /// Opens a WebSocket; `query` is the part of the address after the `?`.
    ///
    /// # Panics
    /// When the handshake is refused.
    pub async fn connect(&self, query: &str) -> TestConnection {
        self.host.connect(&self.path(query), &[]).await.expect("the handshake")
    }

    /// Opens a WebSocket; `query` is the part of the address after the `?`.
    ///
    /// # Errors
    /// When the handshake is refused, with the host's response instead of 101.
    pub async fn try_connect(&self, query: &str) -> Result<TestConnection, Box<tungstenite::Error>> {
        self.host.connect(&self.path(query), &[]).await
    }

    /// Sends a GET request; `query` is the part of the address after the `?`.
    ///
    /// # Panics
    /// When the query has characters that an address cannot contain.
    pub async fn get(&self, query: &str) -> Response {
        let request = http::Request::get(self.path(query)).body(Body::empty()).expect("a query");
        match self.host.get().service().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }

    fn path(&self, query: &str) -> String {
        let ObjectKey { class, name } = &self.key;
        match query {
            "" => format!("/agents/{class}/{name}"),
            query => format!("/agents/{class}/{name}?{query}"),
        }
    }

    /// Returns the status of the object; `None` if it hibernates and has no connections, or never existed.
    pub fn status(&self) -> Option<ObjectStatus> {
        self.host.get().status(&self.key.class, &self.key.name)
    }

    /// Returns whether the object is in memory.
    pub fn is_awake(&self) -> bool {
        self.handle().is_some_and(|handle| handle.is_awake())
    }

    /// Returns the data that the gateway keeps for the connections, oldest first.
    pub fn connections(&self) -> Vec<ConnectionStatus> {
        let Some(handle) = self.handle() else { return Vec::new() };
        let infos = handle.gateway.connections();
        infos
            .into_iter()
            .map(|info| {
                let attachment = Attachment::decode(info.attachment);
                ConnectionStatus {
                    id: info.meta.id.clone(),
                    uri: info.meta.uri.clone(),
                    tags: info.meta.tags.clone(),
                    flags: attachment.flags(),
                    attachment: serde_json::from_slice(attachment.user()).ok(),
                    answered_at: info.answered_at,
                }
            })
            .collect()
    }

    /// Makes the object hibernate now instead of after its idle time.
    ///
    /// Running work may finish first. Then `on_hibernate` runs, the instance is dropped and its database is
    /// closed.
    ///
    /// # Errors
    /// When the object is still awake after 5 s.
    pub async fn hibernate(&self) -> Result<(), StillAwake> {
        let Some(handle) = self.handle() else { return Ok(()) };
        handle.command(Command::Sleep);
        let asleep = tokio::time::timeout(TIMEOUT, self.wait(|| !handle.is_awake())).await;
        handle.withdraw(Command::Sleep);
        asleep.map_err(|_| StillAwake {
            pinned_by: self.status().map(|status| status.pinned_by).unwrap_or_default(),
        })
    }

    /// Ends the activation as a crash would: running handlers are dropped, uncommitted writes are lost, its
    /// WebSockets are closed with 1011, and its database has to be recovered.
    ///
    /// This has no effect on an object that hibernates.
    pub async fn crash(&self) {
        let Some(handle) = self.handle() else { return };
        if !handle.is_awake() {
            return;
        }
        handle.command(Command::Crash);
        self.wait(|| !handle.has_command(Command::Crash) || !handle.is_awake()).await;
        handle.withdraw(Command::Crash);
    }

    async fn wait(&self, done: impl Fn() -> bool) {
        let host = self.host.get();
        loop {
            let changed = host.environment().asleep.notified();
            tokio::pin!(changed);
            // No change is missed from here on.
            changed.as_mut().enable();
            if done() {
                return;
            }
            changed.await;
        }
    }

    fn handle(&self) -> Option<Arc<ObjectHandle>> {
        self.host.get().find(&self.key)
    }
}

impl fmt::Debug for TestObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TestObject").field(&self.key).finish()
    }
}
