//! Calls over the socket.

use std::sync::Arc;
use std::time::Duration;

use agents_protocol::interface::{CallArguments, Caller};
use agents_protocol::wire::Wire;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use crate::ClientError;
use crate::connection::close::CloseFrame;
use crate::connection::frame::Answer;
use crate::connection::inner::Inner;
use crate::connection::session::Sink;
use crate::stream::{CallGuard, CallStream, Decode, decode_wire};

/// A guard that closes the client when its last user is dropped; the worker holds only [`Inner`].
#[derive(Debug)]
pub(crate) struct Handle(pub(crate) Arc<Inner>);

impl Drop for Handle {
    fn drop(&mut self) {
        self.0.close(CloseFrame::normal());
    }
}

/// The [`Caller`] behind the methods of a client: a handle of the connection, and the timeout of calls.
///
/// Like a client, a caller keeps the connection open.
#[derive(Debug, Clone)]
pub struct RemoteCaller {
    pub(crate) handle: Arc<Handle>,
    pub(crate) limit: Duration,
}

impl RemoteCaller {
    pub(crate) fn new(inner: Arc<Inner>) -> Self {
        let limit = inner.config.call_timeout;
        Self { handle: Arc::new(Handle(inner)), limit }
    }

    pub(crate) fn with_timeout(&self, limit: Duration) -> Self {
        Self { handle: Arc::clone(&self.handle), limit }
    }

    pub(crate) async fn request<T>(
        self,
        method: &str,
        args: Result<String, ClientError>,
        decode: Decode<T>,
    ) -> Result<T, ClientError> {
        let args = args?;
        let answer = timeout(self.limit, self.exchange(method, &args)).await;
        decode(&answer.unwrap_or(Err(ClientError::Timeout))?)
    }

    async fn exchange(&self, method: &str, args: &str) -> Result<Answer, ClientError> {
        let (end, answer) = oneshot::channel();
        let _forget = self.start(method, args, Sink::Once(end)).await?;
        answer.await.unwrap_or(Err(ClientError::Closed))
    }

    async fn start(&self, method: &str, args: &str, sink: Sink) -> Result<CallGuard, ClientError> {
        let inner = &self.handle.0;
        let space = inner.space(method.len() + args.len()).await?;
        let id = inner.session().call(method, args, sink, space)?;
        inner.wake.notify_one();
        Ok(CallGuard { inner: Arc::clone(inner), id })
    }

    pub(crate) async fn open<T, R>(
        self,
        method: &str,
        args: Result<String, ClientError>,
        decode: Decode<T>,
    ) -> Result<CallStream<T, R>, ClientError> {
        let args = args?;
        let (chunks, items) = mpsc::channel(self.handle.0.config.stream_buffer);
        let (end, result) = oneshot::channel();
        let forget = self.start(method, &args, Sink::Stream { chunks, end }).await?;
        Ok(CallStream::new(items, result, forget, self.handle, decode))
    }
}

impl Caller for RemoteCaller {
    type Error = ClientError;
    type Stream<T: Wire + 'static, R: Wire + 'static> = CallStream<T, R>;

    fn call<T: Wire + 'static>(
        self,
        method: &'static str,
        arguments: CallArguments,
    ) -> impl Future<Output = Result<T, ClientError>> + Send {
        self.request(method, arguments.into_json().map_err(ClientError::serialize), decode_wire)
    }

    fn stream<T: Wire + 'static, R: Wire + 'static>(
        self,
        method: &'static str,
        arguments: CallArguments,
    ) -> impl Future<Output = Result<CallStream<T, R>, ClientError>> + Send {
        self.open(method, arguments.into_json().map_err(ClientError::serialize), decode_wire)
    }
}
