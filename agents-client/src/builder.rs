//! Options, and the way to a connection.

use std::error::Error;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use futures_core::future::BoxFuture;
use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::sync::oneshot;

use crate::address::{self, AgentPath};
use crate::inner::{CALL_TIMEOUT, CONNECT_TIMEOUT, HEARTBEAT, Inner};
use crate::{AgentClient, ClientError, ClientTarget, Dynamic, Reconnect, worker};

type Pairs = Vec<(String, String)>;
type Failure = Box<dyn Error + Send + Sync>;

/// A function that is asked for query parameters before each connect.
#[derive(Clone)]
pub(crate) struct Refresh(
    pub(crate) Arc<dyn Fn() -> BoxFuture<'static, Result<Pairs, Failure>> + Send + Sync>,
);

impl fmt::Debug for Refresh {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Refresh")
    }
}

/// What a client was built with.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    pub(crate) base: String,
    pub(crate) connection_id: String,
    pub(crate) query: Pairs,
    pub(crate) refresh: Option<Refresh>,
    pub(crate) headers: HeaderMap,
    pub(crate) reconnect: Reconnect,
    pub(crate) call_timeout: Duration,
    pub(crate) connect_timeout: Duration,
    pub(crate) heartbeat: Duration,
    pub(crate) send_buffer: usize,
    pub(crate) message_buffer: usize,
    pub(crate) stream_buffer: usize,
    pub(crate) max_message_size: usize,
    #[cfg(feature = "tls")]
    pub(crate) roots: Vec<rustls::pki_types::CertificateDer<'static>>,
}

/// Builds an [`AgentClient`].
///
/// ```no_run
/// # async fn run() -> Result<(), agents_client::ClientError> {
/// use std::time::Duration;
///
/// use agents_client::AgentClient;
///
/// let client = AgentClient::dynamic_builder("http://127.0.0.1:8787", "ChatRoom", "lobby")
///     .query("username", "ann")
///     .header("authorization", "Bearer 123")
///     .call_timeout(Duration::from_secs(5))
///     .connect()
///     .await?;
/// # drop(client); Ok(()) }
/// ```
#[derive(Debug)]
#[must_use = "a builder does nothing until `connect`"]
pub struct AgentClientBuilder<A: ClientTarget = Dynamic> {
    class: PhantomData<fn() -> A>,
    url: String,
    path: AgentPath,
    headers: Vec<(String, String)>,
    config: Config,
}

impl<A: ClientTarget> AgentClientBuilder<A> {
    pub(crate) fn new(url: &str, class: &str, name: &str) -> Self {
        Self {
            class: PhantomData,
            url: url.to_owned(),
            path: AgentPath::Agent { class: class.to_owned(), name: name.to_owned() },
            headers: Vec::new(),
            config: Config {
                base: String::new(),
                connection_id: connection_id(),
                query: Vec::new(),
                refresh: None,
                headers: HeaderMap::new(),
                reconnect: Reconnect::new(),
                call_timeout: CALL_TIMEOUT,
                connect_timeout: CONNECT_TIMEOUT,
                heartbeat: HEARTBEAT,
                send_buffer: 16 << 20,
                message_buffer: 1024,
                stream_buffer: 4096,
                max_message_size: 32 << 20,
                #[cfg(feature = "tls")]
                roots: Vec::new(),
            },
        }
    }

    /// Adds a query parameter; the agent reads it when it authorises the connection.
    pub fn query(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.config.query.push((key.into(), value.into()));
        self
    }

    /// Asks for further query parameters before every attempt to connect, for tokens that expire.
    ///
    /// When the function fails the attempt counts as failed and is repeated later.
    ///
    /// ```no_run
    /// # async fn fetch_token() -> Result<String, std::io::Error> { Ok(String::new()) }
    /// let builder = agents_client::AgentClient::dynamic_builder("http://127.0.0.1:8787", "ChatRoom", "lobby")
    ///     .query_with(|| async { Ok(vec![("token".to_owned(), fetch_token().await?)]) });
    /// # drop(builder);
    /// ```
    pub fn query_with<F, R>(mut self, refresh: F) -> Self
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: Future<Output = Result<Vec<(String, String)>, Box<dyn Error + Send + Sync>>> + Send + 'static,
    {
        self.config.refresh = Some(Refresh(Arc::new(move || Box::pin(refresh()))));
        self
    }

    /// Adds a header to the upgrade request.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Connects to this path instead of `/agents/{class}/{name}`, where the server picks the instance.
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.path = AgentPath::Path(path.into());
        self
    }

    /// Sets the connection id, which is random otherwise. It stays the same over reconnects.
    pub fn connection_id(mut self, id: impl Into<String>) -> Self {
        self.config.connection_id = id.into();
        self
    }

    /// Sets how to reconnect.
    pub fn reconnect(mut self, reconnect: Reconnect) -> Self {
        self.config.reconnect = reconnect;
        self
    }

    /// Sets how long calls wait for their answer, 30 s unless told otherwise. Streams have no limit.
    pub fn call_timeout(mut self, limit: Duration) -> Self {
        self.config.call_timeout = limit;
        self
    }

    /// Sets how long one attempt to connect may take, 10 s unless told otherwise.
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.config.connect_timeout = limit;
        self
    }

    /// Sets how long the server may be silent before it is asked for a sign of life, 20 s unless
    /// told otherwise. A server that is silent for as long again is given up and reconnected to.
    pub fn heartbeat(mut self, interval: Duration) -> Self {
        self.config.heartbeat = interval;
        self
    }

    /// Sets how many bytes may wait to be sent, 16 MiB unless told otherwise. When the buffer is
    /// full, calls and sends wait for room.
    pub fn send_buffer(mut self, bytes: usize) -> Self {
        self.config.send_buffer = bytes;
        self
    }

    /// Sets how many messages may wait for a reader, 1024 unless told otherwise. A reader that
    /// falls behind misses the oldest and is told so.
    pub fn message_buffer(mut self, messages: usize) -> Self {
        // The channel below rounds up to a power of two and has a limit.
        self.config.message_buffer = messages.clamp(1, 1 << 24);
        self
    }

    /// Sets how many items of a streamed answer may wait for their reader, 4096 unless told
    /// otherwise. A stream whose reader falls behind fails; other calls are not held up.
    pub fn stream_buffer(mut self, items: usize) -> Self {
        self.config.stream_buffer = items.clamp(1, 1 << 24);
        self
    }

    /// Sets the largest message in either direction, 32 MiB unless told otherwise.
    pub fn max_message_size(mut self, bytes: usize) -> Self {
        self.config.max_message_size = bytes;
        self
    }

    /// Trusts one more authority beside those that browsers trust: a root certificate in DER, for servers
    /// whose certificate you have made yourself.
    ///
    /// A certificate that cannot be read fails the first connection.
    #[cfg(feature = "tls")]
    pub fn root_certificate(mut self, der: impl Into<Vec<u8>>) -> Self {
        self.config.roots.push(der.into().into());
        self
    }

    /// Connects.
    ///
    /// It returns when the connection is open. The agent may still refuse it: what follows the
    /// upgrade shows in [`AgentClient::identity`], in calls and in [`AgentClient::closed`].
    ///
    /// # Errors
    /// [`ClientError::Address`] when the options lead nowhere, [`ClientError::Connect`] when the
    /// first attempt fails. Later connections are retried, see [`Reconnect`].
    pub async fn connect(self) -> Result<AgentClient<A>, ClientError> {
        let (opened, first) = oneshot::channel();
        let client = self.spawn(Some(opened))?;
        first.await.unwrap_or(Err(ClientError::Closed))?;
        Ok(client)
    }

    /// Starts to connect and returns at once; calls wait in the buffer until the connection is open.
    ///
    /// # Errors
    /// [`ClientError::Address`] when the options lead nowhere.
    pub async fn connect_lazily(self) -> Result<AgentClient<A>, ClientError> {
        self.spawn(None)
    }

    fn spawn(mut self, opened: Option<worker::Opened>) -> Result<AgentClient<A>, ClientError> {
        self.config.base = address::base(&self.url, &self.path)?;
        for (name, value) in &self.headers {
            let bad = || ClientError::Address(format!("bad header `{name}`"));
            let header = HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad())?;
            let value = HeaderValue::from_str(value).map_err(|_| bad())?;
            self.config.headers.append(header, value);
        }
        let inner = Arc::new(Inner::new(self.config));
        tokio::spawn(worker::run(Arc::clone(&inner), opened));
        Ok(AgentClient::new(inner))
    }
}

/// A random id of the length servers give. It names a connection and is no secret.
fn connection_id() -> String {
    std::iter::repeat_with(fastrand::alphanumeric).take(21).collect()
}
