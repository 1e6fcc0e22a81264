//! Durable objects: identity, mailbox, activation, turns and the output gate.
//!
//! An object is named by its class and its name. An [`ObjectHandle`] is always there; the
//! activation behind it, with its database and its instance, comes with the first
//! message and goes when it has been idle. All of an object runs in one task.

mod activation;
mod behavior;
mod connections;
mod context;
mod gate;
mod handle;
mod mailbox;
mod registry;
mod turn;
mod window;

pub(crate) use activation::Environment;
pub use behavior::BoxFuture;
pub(crate) use behavior::{Behavior, Instance, Policy};
pub(crate) use connections::ConnectionEntry;
pub(crate) use context::ObjectContext;
pub use context::OutsideTurn;
pub(crate) use handle::ObjectHandle;
pub(crate) use registry::{ObjectKey, Registry};
