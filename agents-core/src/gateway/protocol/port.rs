//! How the gateway reaches an object.

use std::task::Context;

use crate::gateway::ToObject;
use crate::limits::Limit;

/// Why a message was not taken.
#[derive(Debug)]
pub(crate) enum PostError {
    /// The mailbox has reached a limit; the task is woken when there is room.
    Full(ToObject, Limit),
    /// This handle is out of use; look the object up again.
    Retired(ToObject),
}

/// The way into an object's mailbox.
pub(crate) trait ObjectPort: Send + Sync {
    /// Puts a message into the mailbox and wakes the object if it sleeps.
    fn post(&self, message: ToObject, cx: &Context<'_>) -> Result<(), PostError>;
}
