//! Durable objects: named, with storage and WebSockets, asleep while nothing happens.
//!
//! This is the layer that agents are made of, and it is complete by itself: implement
//! [`DurableObject`] and register it with [`Agents::register_object`](crate::Agents::register_object).
//! What a handler does goes through its [`ObjectContext`].
//!
//! An object is named by its class and its name. Its WebSockets belong to the gateway, not to its
//! memory: after some idle seconds the value, its database handle and its caches are dropped, and
//! the sockets stay open with their tags and attachments. The next event makes a new value.

// An object has a handle that is always there; the activation behind it, with its database and its
// instance, comes with the first message and goes when it has been idle. All of an object runs in
// one task.

mod activation;
mod alarm;
mod alarms;
mod behavior;
mod chaos;
mod context;
mod durable;
mod entry;
mod fetch;
mod gate;
mod handle;
mod key;
mod life;
mod mailbox;
mod meter;
mod options;
mod pace;
mod peers;
mod registry;
mod request_body;
mod room;
mod roster;
mod settings;
mod status;
#[cfg(test)]
mod tests;
mod turn;
mod watchdog;
mod web_socket;
mod web_sockets;
mod window;

pub use alarm::{AlarmInfo, AlarmTime};
pub use context::{KeepAwake, ObjectContext, OutsideTurn};
pub use durable::{ClientIp, DurableObject, Request, Response};
pub use life::PinnedBy;
pub use meter::Meter;
pub use options::ObjectOptions;
pub use status::ObjectStatus;
pub use web_socket::{TagsError, WebSocket, WebSocketUpgrade};
pub use web_sockets::WebSockets;

pub use crate::gateway::Flags;

pub(crate) use activation::Environment;
pub(crate) use alarms::Alarms;
#[doc(hidden)]
pub use behavior::BoxFuture;
pub(crate) use behavior::{Behavior, Instance, ObjectClass, Policy};
pub(crate) use chaos::Chaos;
pub(crate) use context::{Behalf, Write, overflow};
pub(crate) use entry::ConnectionEntry;
pub(crate) use fetch::{http_request, rejection};
pub(crate) use handle::{ObjectHandle, Order};
pub(crate) use key::ObjectKey;
pub(crate) use mailbox::MailboxLimits;
pub(crate) use peers::{Peers, interrupted, stopping};
pub(crate) use registry::Registry;
pub(crate) use room::Room;
pub(crate) use watchdog::{Watchdog, Work};
pub(crate) use web_socket::{TagLimits, check_socket_tags};
