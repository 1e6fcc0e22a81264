//! The port through which the gateway reaches an object.

use std::task::Context;

use crate::gateway::ToObject;
use crate::limits::Limit;

/// A reason why a message was not accepted.
#[derive(Debug)]
pub(crate) enum PostError {
    /// The mailbox has reached a limit; the task is woken when the mailbox has space.
    Full(ToObject, Limit),
    /// The handle is out of use; the caller looks the object up again.
    Retired(ToObject),
}

/// The sending side of an object's mailbox.
pub(crate) trait ObjectPort: Send + Sync {
    /// Puts a message into the mailbox and wakes the object if it hibernates.
    fn post(&self, message: ToObject, cx: &Context<'_>) -> Result<(), PostError>;
}
