//! The data that the handles of a client and its worker share.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, broadcast, watch};

use crate::builder::Config;
use crate::connection::address;
use crate::connection::close::CloseFrame;
use crate::connection::session::{Session, Watches};
use crate::{ClientError, Identity, Message, Status};

/// The unit of the buffer in bytes: even an empty frame uses some memory.
const GRAIN: usize = 128;

#[derive(Debug)]
pub(crate) struct Inner {
    /// The session. A plain mutex suffices: it is held for a few map operations and never across an await.
    session: Mutex<Session>,
    space: Arc<Semaphore>,
    grains: u32,
    /// Wakes the worker when there is something to write.
    pub(crate) wake: Notify,
    pub(crate) config: Config,
    pub(crate) status: watch::Receiver<Status>,
    pub(crate) identity: watch::Receiver<Option<Identity>>,
    pub(crate) state: watch::Receiver<Option<Value>>,
    pub(crate) mcp_servers: watch::Receiver<Option<Value>>,
    pub(crate) messages: Feed<Message>,
    pub(crate) rejections: Feed<String>,
}

impl Inner {
    pub(crate) fn new(config: Config) -> Self {
        let watches = Watches::new(config.message_buffer);
        let grains = (config.send_buffer / GRAIN).clamp(1, 1 << 28);
        Self {
            status: watches.status.subscribe(),
            identity: watches.identity.subscribe(),
            state: watches.state.subscribe(),
            mcp_servers: watches.mcp_servers.subscribe(),
            messages: Feed::new(&watches.messages),
            rejections: Feed::new(&watches.rejections),
            session: Mutex::new(Session::new(watches)),
            space: Arc::new(Semaphore::new(grains)),
            grains: u32::try_from(grains).unwrap_or(u32::MAX),
            wake: Notify::new(),
            config,
        }
    }

    pub(crate) fn session(&self) -> MutexGuard<'_, Session> {
        // A panic in another thread must not fail every later call.
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until a frame of this size fits the buffer.
    pub(crate) async fn space(&self, size: usize) -> Result<OwnedSemaphorePermit, ClientError> {
        let limit = self.config.max_message_size;
        if size > limit {
            return Err(ClientError::TooLarge { size, limit });
        }
        // A frame larger than the whole buffer takes all of it and is then sent alone.
        let grains = u32::try_from(1 + size / GRAIN).unwrap_or(u32::MAX).min(self.grains);
        match Arc::clone(&self.space).acquire_many_owned(grains).await {
            Ok(space) => Ok(space),
            Err(_) => Err(self.end()),
        }
    }

    /// Returns the reason why the client has stopped.
    pub(crate) fn end(&self) -> ClientError {
        self.session().end().cloned().unwrap_or(ClientError::Closed)
    }

    pub(crate) fn close(&self, frame: CloseFrame) {
        self.session().close(frame);
        self.wake.notify_one();
    }

    pub(crate) fn finish(&self, error: ClientError) {
        self.session().finish(error);
        self.space.close();
    }

    pub(crate) fn forget(&self, id: u64) {
        let mut session = self.session();
        session.forget(id);
        if session.has_frames() {
            self.wake.notify_one();
        }
    }

    /// Returns the address of the next attempt.
    pub(crate) async fn address(&self) -> Result<String, String> {
        let config = &self.config;
        let fresh = match &config.refresh {
            Some(refresh) => (refresh.0)().await.map_err(|error| error.to_string())?,
            None => Vec::new(),
        };
        let id = ("_pk", config.connection_id.as_str());
        let pairs = config.query.iter().chain(&fresh);
        let pairs = pairs.map(|(key, value)| (key.as_str(), value.as_str()));
        Ok(address::with_query(&config.base, std::iter::once(id).chain(pairs)))
    }
}

/// The readers of a broadcast. The first reader gets all messages since the client was made, so that messages
/// that an agent sends on connect are not lost before the reader exists.
#[derive(Debug)]
pub(crate) struct Feed<T> {
    first: Mutex<Option<broadcast::Receiver<T>>>,
    /// A weak sender, so that the readers end when the session drops its sender.
    sender: broadcast::WeakSender<T>,
}

impl<T: Clone> Feed<T> {
    fn new(sender: &broadcast::Sender<T>) -> Self {
        Self { first: Mutex::new(Some(sender.subscribe())), sender: sender.downgrade() }
    }

    pub(crate) fn reader(&self) -> broadcast::Receiver<T> {
        let first = self.first.lock().unwrap_or_else(PoisonError::into_inner).take();
        first.unwrap_or_else(|| match self.sender.upgrade() {
            Some(sender) => sender.subscribe(),
            // The client has stopped: a reader without a sender ends immediately.
            None => broadcast::channel(1).1,
        })
    }
}

/// Defaults of times that users rarely change.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
pub(crate) const CALL_TIMEOUT: Duration = Duration::from_secs(30);
pub(crate) const HEARTBEAT: Duration = Duration::from_secs(20);
