//! The two ports between the gateway and an object.

use std::collections::HashSet;
use std::fmt;
use std::future::poll_fn;
use std::task::{Context, Poll};

use crate::gateway::{ConnectionInfo, ConnectionKey, HubMetrics, RequestKey, ToGateway, ToObject};
use crate::limits::Limit;

/// A reason why a message was not accepted.
#[derive(Debug)]
pub(crate) enum PostError {
    /// The mailbox has reached a limit; the task is woken when the mailbox has space.
    Full(ToObject, Limit),
    /// The handle is out of use; the caller looks the object up again.
    Retired(ToObject),
}

/// The gateway's way to an object: the sending side of its mailbox.
pub(crate) trait ObjectPort: Send + Sync {
    /// Puts a message into the mailbox and wakes the object if it hibernates.
    ///
    /// The context is that of the sending task, which is woken when a full mailbox has space again.
    fn post(&self, message: ToObject, cx: &Context<'_>) -> Result<(), PostError>;

    /// Returns the class and the name of the object, for the log.
    fn address(&self) -> (&str, &str);
}

/// Posts a message; waits while the mailbox is full. A retired object returns the message.
pub(crate) async fn post(port: &dyn ObjectPort, message: ToObject) -> Result<(), ToObject> {
    let mut message = Some(message);
    poll_fn(|cx| {
        let Some(next) = message.take() else { return Poll::Ready(Ok(())) };
        match port.post(next, cx) {
            Ok(()) => Poll::Ready(Ok(())),
            Err(PostError::Full(back, _)) => {
                message = Some(back);
                Poll::Pending
            }
            Err(PostError::Retired(back)) => Poll::Ready(Err(back)),
        }
    })
    .await
}

/// An object's way to its gateway: the messages that it sends, and questions about its connections and requests.
///
/// The messages, the parts of the questions and the answers are plain values that can be serialised.
pub(crate) trait GatewayPort: fmt::Debug + Send + Sync {
    /// Applies the messages of the object in their order.
    ///
    /// The messages stay with the caller, which drops them: bytes in them may have an owner whose destructor is
    /// code of the user, and that code must not run under a lock of the gateway.
    fn apply(&self, messages: &mut [ToGateway]);

    /// Returns a connection that the object has accepted and that is not closing.
    fn connection(&self, key: ConnectionKey) -> Option<ConnectionInfo>;

    /// Returns the connections that the object has accepted and that are not closing, oldest first.
    fn connections(&self) -> Vec<ConnectionInfo>;

    /// Returns the key of the connection with this id, in any stage.
    fn key_of(&self, id: &str) -> Option<ConnectionKey>;

    /// Returns whether a connection exists, in any stage.
    fn has_connection(&self, key: ConnectionKey) -> bool;

    /// Returns whether there are connections, in any stage.
    fn has_connections(&self) -> bool;

    /// Returns the connections whose `Connect` was posted to the object and that it has not accepted.
    fn unaccepted(&self) -> HashSet<ConnectionKey>;

    /// Returns the number of bytes that wait for the client of a connection.
    fn waiting_bytes(&self, key: ConnectionKey) -> usize;

    /// Returns whether the close of a connection must still be posted to the object.
    fn has_pending_closes(&self) -> bool;

    /// Returns whether the response to a request is not complete.
    fn has_request(&self, request: RequestKey) -> bool;

    /// Returns the usage of the connections so far.
    fn metrics(&self) -> HubMetrics;

    /// Takes the gateway's side out of use if it has no connection and no request; later callers look the object
    /// up again.
    fn try_retire(&self) -> bool;

    /// Takes the gateway's side into use again, because its object turned out to be awake.
    fn unretire(&self);
}
