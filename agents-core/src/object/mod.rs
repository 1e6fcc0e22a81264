//! Durable objects: named objects with storage and WebSockets that hibernate while no event arrives.
//!
//! Agents are built on this layer, and it can be used without them: implement [`DurableObject`] and register
//! it with [`Agents::register_object`](crate::Agents::register_object). A handler acts through its
//! [`ObjectContext`].
//!
//! An object is identified by its class and its name. Its WebSockets belong to the gateway and not to the
//! memory of the object. After some idle seconds the value, its database handle and its caches are dropped,
//! and the sockets stay open with their tags and attachments. The next event creates a new value.

// The handle of an object exists as long as the object is known. The activation behind the handle, with its
// database and its instance, starts with the first message and ends after an idle time. All code of an object
// runs in one task.

mod activation;
mod alarm;
mod connections;
mod context;
mod durable_object;
mod http;
mod metrics;
mod options;
pub(crate) mod report;
mod runtime;
mod status;
#[cfg(test)]
mod tests;

pub use alarm::{AlarmInfo, AlarmTime};
pub use connections::web_socket::{TagsError, WebSocket, WebSocketUpgrade};
pub use connections::web_sockets::WebSockets;
pub use context::{KeepAwake, ObjectContext, OutsideTurn};
pub use durable_object::{ClientIp, DurableObject, Request, Response};
pub use http::request_body::RequestBody;
pub use metrics::ObjectMetrics;
pub use options::ObjectOptions;
pub use runtime::lifecycle::PinnedBy;
pub use status::ObjectStatus;

pub use crate::gateway::{BodyFault, Flags, IntoMessage};

pub(crate) use activation::Environment;
pub(crate) use activation::watchdog::{Watchdog, Work};
pub(crate) use alarm::AlarmService;
pub(crate) use connections::entry::ConnectionEntry;
pub(crate) use connections::web_socket::check_socket_tags;
pub(crate) use context::{BlockedPart, WriteGuard, WriteKind, overflow};
pub(crate) use http::fetch::{Internal, error_response, http_request};
pub(crate) use runtime::awake_slots::AwakeSlots;
pub(crate) use runtime::chaos::Chaos;
#[doc(hidden)]
pub use runtime::class::BoxFuture;
pub(crate) use runtime::class::{Behavior, Instance, ObjectClass};
pub(crate) use runtime::data_check::check_data;
pub(crate) use runtime::data_version::{DataFailure, DataVersion};
pub(crate) use runtime::directory::{
    ObjectDirectory, PeerContent, PeerPort, PeerRequest, interrupted, stopping,
};
pub(crate) use runtime::handle::{Command, ObjectHandle};
pub(crate) use runtime::key::ObjectKey;
pub(crate) use runtime::registry::{Known, Registry};
