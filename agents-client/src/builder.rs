//! The options of a client.

use std::error::Error;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use futures_core::future::BoxFuture;
use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::sync::oneshot;

use crate::connection::address::{self, AgentPath};
use crate::connection::inner::{CALL_TIMEOUT, CONNECT_TIMEOUT, HEARTBEAT, Inner};
use crate::connection::worker;
use crate::{AgentClient, ClientError, ClientTarget, Dynamic, Reconnect};

type Pairs = Vec<(String, String)>;
type Failure = Box<dyn Error + Send + Sync>;

/// A function that returns query parameters before each attempt to connect.
#[derive(Clone)]
pub(crate) struct Refresh(
    pub(crate) Arc<dyn Fn() -> BoxFuture<'static, Result<Pairs, Failure>> + Send + Sync>,
);

impl fmt::Debug for Refresh {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Refresh")
    }
}

/// The options of a client.
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

/// A builder of an [`AgentClient`].
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

    /// Sets a function that returns further query parameters before every attempt to connect, for tokens that
    /// expire.
    ///
    /// If the function fails, the attempt counts as failed and is repeated later.
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

    /// Connects to this path instead of `/agents/{class}/{name}`; the server selects the instance.
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.path = AgentPath::Path(path.into());
        self
    }

    /// Sets the connection id, which is random by default. The id stays the same over reconnects.
    pub fn connection_id(mut self, id: impl Into<String>) -> Self {
        self.config.connection_id = id.into();
        self
    }

    /// Sets the policy for reconnects.
    pub fn reconnect(mut self, reconnect: Reconnect) -> Self {
        self.config.reconnect = reconnect;
        self
    }

    /// Sets the time that calls wait for their answer; the default is 30 s. Streams have no timeout.
    pub fn call_timeout(mut self, limit: Duration) -> Self {
        self.config.call_timeout = limit;
        self
    }

    /// Sets the time that one attempt to connect may take; the default is 10 s.
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.config.connect_timeout = limit;
        self
    }

    /// Sets the time that the server may be silent before the client sends a ping; the default is 20 s. If
    /// the server stays silent for the same time again, the client reconnects.
    pub fn heartbeat(mut self, interval: Duration) -> Self {
        self.config.heartbeat = interval;
        self
    }

    /// Sets the size of the send buffer in bytes; the default is 16 MiB. If the buffer is full, calls and
    /// sends wait.
    pub fn send_buffer(mut self, bytes: usize) -> Self {
        self.config.send_buffer = bytes;
        self
    }

    /// Sets the number of messages that may wait for a reader; the default is 1024. A reader that
    /// falls behind misses the oldest messages and gets [`ClientError::Lagged`].
    pub fn message_buffer(mut self, messages: usize) -> Self {
        // The channel below rounds up to a power of two and has a limit.
        self.config.message_buffer = messages.clamp(1, 1 << 24);
        self
    }

    /// Sets the number of items of a streamed answer that may wait for their reader; the default is 4096. A
    /// stream whose reader falls behind fails; other calls are not delayed.
    pub fn stream_buffer(mut self, items: usize) -> Self {
        self.config.stream_buffer = items.clamp(1, 1 << 24);
        self
    }

    /// Sets the maximum size of a message in either direction, in bytes; the default is 32 MiB.
    pub fn max_message_size(mut self, bytes: usize) -> Self {
        self.config.max_message_size = bytes;
        self
    }

    /// Trusts one more certificate authority besides those that browsers trust: a root certificate in DER,
    /// for servers whose certificate you have made yourself.
    ///
    /// If the certificate cannot be read, the first connection fails.
    #[cfg(feature = "tls")]
    pub fn root_certificate(mut self, der: impl Into<Vec<u8>>) -> Self {
        self.config.roots.push(der.into().into());
        self
    }

    /// Connects to the agent.
    ///
    /// This returns when the connection is open. The agent may still refuse the connection after the upgrade.
    /// Such a refusal appears in [`AgentClient::identity`], in calls and in [`AgentClient::closed`].
    ///
    /// # Errors
    /// [`ClientError::Address`] when the options are invalid, [`ClientError::Connect`] when the
    /// first attempt fails. Later connections are retried, see [`Reconnect`].
    pub async fn connect(self) -> Result<AgentClient<A>, ClientError> {
        let (opened, first) = oneshot::channel();
        let client = self.spawn(Some(opened))?;
        first.await.unwrap_or(Err(ClientError::Closed))?;
        Ok(client)
    }

    /// Starts to connect and returns immediately; calls wait in the buffer until the connection is open.
    ///
    /// # Errors
    /// [`ClientError::Address`] when the options are invalid.
    pub async fn connect_lazily(self) -> Result<AgentClient<A>, ClientError> {
        self.spawn(None)
    }

    fn spawn(mut self, opened: Option<worker::Opened>) -> Result<AgentClient<A>, ClientError> {
        self.config.base = address::base(&self.url, &self.path)?;
        for (name, value) in &self.headers {
            let bad = || ClientError::Address(format!("invalid header `{name}`"));
            let header = HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad())?;
            let value = HeaderValue::from_str(value).map_err(|_| bad())?;
            self.config.headers.append(header, value);
        }
        let inner = Arc::new(Inner::new(self.config));
        tokio::spawn(worker::run(Arc::clone(&inner), opened));
        Ok(AgentClient::new(inner))
    }
}

/// Returns a random id of the length that servers use. It names a connection and is not a secret.
fn connection_id() -> String {
    std::iter::repeat_with(fastrand::alphanumeric).take(21).collect()
}
