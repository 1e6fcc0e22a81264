//! A class of objects and a live instance of it, independent of their type.

use std::pin::Pin;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::gateway::{Close, Message};
use crate::object::durable_object::{Request, Response};
use crate::object::runtime::data_version::{DataFailure, DataVersion};
use crate::object::{AlarmInfo, DurableObject, ObjectContext, ObjectOptions, WebSocket};

/// A boxed future that can move between threads.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A class of objects.
pub(crate) trait Behavior: Send + Sync + 'static {
    fn options(&self) -> &ObjectOptions;

    /// Returns the version of the data that this program stores.
    fn data_version(&self) -> &DataVersion;

    /// Converts what an older program stored in an object, as a start does first, and checks that it can be
    /// read.
    fn check(&self, cx: &ObjectContext) -> Result<(), DataFailure>;

    /// Creates an instance and starts it. No event is handled before the start is done.
    fn start(self: Arc<Self>, cx: ObjectContext) -> BoxFuture<'static, Result<Arc<dyn Instance>>>;

    /// Answers a message whose object could not be started.
    fn start_failed(&self, socket: &WebSocket, message: &Message, error: &Error) -> Result<()>;
}

/// A live instance. Every handler is polled in turns (see [`crate::object::activation::turn`]).
pub(crate) trait Instance: Send + Sync + 'static {
    fn fetch(&self, request: Request) -> BoxFuture<'static, Result<Response>>;
    fn message(&self, socket: WebSocket, message: Message) -> BoxFuture<'static, Result<()>>;
    fn close(&self, socket: WebSocket, close: Close) -> BoxFuture<'static, Result<()>>;
    fn error(&self, socket: WebSocket, error: Error) -> BoxFuture<'static, Result<()>>;
    fn alarm(&self, alarm: AlarmInfo) -> BoxFuture<'static, Result<()>>;
    fn alarm_timed_out(&self, error: Error) -> BoxFuture<'static, Result<()>>;
    fn hibernate(&self) -> BoxFuture<'static, Result<()>>;
    fn response_failed(&self, error: Error) -> BoxFuture<'static, Result<()>>;
}

type Make<O> = Box<dyn Fn(&ObjectContext) -> O + Send + Sync>;

/// The class of one type of objects.
pub(crate) struct ObjectClass<O> {
    pub(crate) make: Make<O>,
    pub(crate) options: ObjectOptions,
    pub(crate) data_version: DataVersion,
    /// Converts and reads the data of an object without starting it.
    pub(crate) check: fn(&O) -> Result<(), DataFailure>,
}

impl<O: DurableObject> Behavior for ObjectClass<O> {
    fn options(&self) -> &ObjectOptions {
        &self.options
    }

    fn data_version(&self) -> &DataVersion {
        &self.data_version
    }

    fn check(&self, cx: &ObjectContext) -> Result<(), DataFailure> {
        (self.check)(&(self.make)(cx))
    }

    fn start(self: Arc<Self>, cx: ObjectContext) -> BoxFuture<'static, Result<Arc<dyn Instance>>> {
        Box::pin(async move {
            let mut object = (self.make)(&cx);
            object.start(&cx).await?;
            Ok(Arc::new(TypedInstance { object: Arc::new(object), cx }) as Arc<dyn Instance>)
        })
    }

    fn start_failed(&self, socket: &WebSocket, message: &Message, error: &Error) -> Result<()> {
        O::start_failed(&socket.object, socket, message, error)
    }
}

/// An object that has started.
struct TypedInstance<O> {
    object: Arc<O>,
    cx: ObjectContext,
}

impl<O> TypedInstance<O> {
    fn parts(&self) -> (Arc<O>, ObjectContext) {
        (self.object.clone(), self.cx.clone())
    }
}

impl<O: DurableObject> Instance for TypedInstance<O> {
    fn fetch(&self, request: Request) -> BoxFuture<'static, Result<Response>> {
        let (object, cx) = self.parts();
        Box::pin(async move { object.fetch(&cx, request).await })
    }

    fn message(&self, socket: WebSocket, message: Message) -> BoxFuture<'static, Result<()>> {
        let object = self.object.clone();
        Box::pin(async move { object.web_socket_message(&socket.object, &socket, message).await })
    }

    fn close(&self, socket: WebSocket, close: Close) -> BoxFuture<'static, Result<()>> {
        let object = self.object.clone();
        Box::pin(async move { object.web_socket_close(&socket.object, &socket, close).await })
    }

    fn error(&self, socket: WebSocket, error: Error) -> BoxFuture<'static, Result<()>> {
        let object = self.object.clone();
        Box::pin(async move { object.web_socket_error(&socket.object, &socket, error).await })
    }

    fn alarm(&self, alarm: AlarmInfo) -> BoxFuture<'static, Result<()>> {
        let (object, cx) = self.parts();
        Box::pin(async move { object.alarm(&cx, alarm).await })
    }

    fn alarm_timed_out(&self, error: Error) -> BoxFuture<'static, Result<()>> {
        let (object, cx) = self.parts();
        Box::pin(async move { object.alarm_timed_out(&cx, error).await })
    }

    fn hibernate(&self) -> BoxFuture<'static, Result<()>> {
        let (object, cx) = self.parts();
        Box::pin(async move { object.hibernate(&cx).await })
    }

    fn response_failed(&self, error: Error) -> BoxFuture<'static, Result<()>> {
        let (object, cx) = self.parts();
        Box::pin(async move { object.response_failed(&cx, error).await })
    }
}
