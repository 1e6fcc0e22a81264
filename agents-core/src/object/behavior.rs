//! What an object does; the layer above implements it.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::error::{Error, Result};
use crate::gateway::{Close, Head, HubLimits, Message, RequestKey, ToObject};
use crate::object::{ConnectionEntry, ObjectContext};

/// A boxed future that can move between threads.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// How objects of a class are kept.
#[derive(Clone, Debug)]
pub(crate) struct Policy {
    pub(crate) hibernate: bool,
    pub(crate) hibernate_after: Duration,
    pub(crate) hub: HubLimits,
}

/// A class of objects.
pub(crate) trait Behavior: Send + Sync + 'static {
    fn policy(&self) -> &Policy;

    /// Builds an instance and starts it; no event is handled before this is done.
    fn start(self: Arc<Self>, cx: ObjectContext) -> BoxFuture<'static, Result<Arc<dyn Instance>>>;

    /// Answers an event whose object could not start.
    fn refuse(&self, cx: &ObjectContext, event: ToObject, error: &Error);
}

/// A live instance. Every handler is polled in turns (see [`crate::object::turn`]) and tells
/// whether it went well, which matters for `connect` alone: `false` is a refusal.
pub(crate) trait Instance: Send + Sync + 'static {
    fn connect(self: Arc<Self>, connection: Arc<ConnectionEntry>, head: Head) -> BoxFuture<'static, bool>;
    fn message(
        self: Arc<Self>,
        connection: Arc<ConnectionEntry>,
        message: Message,
    ) -> BoxFuture<'static, bool>;
    fn close(self: Arc<Self>, connection: Arc<ConnectionEntry>, close: Close) -> BoxFuture<'static, bool>;
    fn error(self: Arc<Self>, connection: Arc<ConnectionEntry>, error: String) -> BoxFuture<'static, bool>;
    fn request(self: Arc<Self>, request: RequestKey, head: Head, body: Bytes) -> BoxFuture<'static, bool>;
    /// Runs before the instance is dropped because it is idle or the host stops.
    fn hibernate(self: Arc<Self>) -> BoxFuture<'static, bool>;
}
