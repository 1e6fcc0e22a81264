//! Sockets and requests: the network side of objects.
//!
//! A [`Hub`] is the gateway's side of one object. The two exchange plain serialisable messages ([`ToObject`],
//! [`ToGateway`]) through an [`ObjectPort`] and a [`GatewayPort`]. Sockets, HTTP types and task handles do not
//! cross that boundary, so that the two sides can later run in different processes.

mod attachment;
mod close;
mod heartbeat;
mod http;
mod hub;
mod metrics;
mod protocol;
mod quota;
mod shared;
mod socket;
#[cfg(test)]
mod test_support;

pub use crate::message::{IntoMessage, Message};

pub(crate) use attachment::Attachment;
pub use attachment::Flags;
pub use close::Close;
pub(crate) use http::handshake::{Upgrade, wants_upgrade};
pub(crate) use http::origin::{RequestOrigin, asked_host, is_from_same_origin, is_own_origin, is_own_page};
pub(crate) use http::request::{ForwardError, RESPONSE_WINDOW, forward, window_share};
pub use http::request_body::BodyFault;
pub(crate) use http::request_body::{BodyCredit, Payload, Upload};
pub(crate) use hub::Hub;
#[cfg(test)]
pub(crate) use hub::RegisterError;
pub(crate) use metrics::HubMetrics;
pub(crate) use protocol::encoded::Encoded;
pub(crate) use protocol::head::{Head, ResponseHead};
pub(crate) use protocol::messages::{
    AutoResponse, ConnectionInfo, ConnectionKey, ConnectionMeta, RequestKey, Selection, Targets, ToGateway,
    ToObject, Unaccepted,
};
pub(crate) use protocol::port::{GatewayPort, ObjectPort, PostError, post};
pub(crate) use quota::connection_slots::{ConnectionSlot, Counted, prefix};
pub(crate) use quota::memory_budget::{Budget, FRAME_BYTES, FREE_BYTES, MemoryPermit, ValueBytes};
pub(crate) use shared::Gateway;
#[cfg(test)]
pub(crate) use socket::Socket;
#[cfg(feature = "fuzzing")]
pub(crate) use socket::codec::{Decoder, Incoming, Violation, close};
pub(crate) use socket::codec::{MAX_REASON, cut_reason};
pub(crate) use socket::outbox::BEHIND_BYTES;
pub(crate) use socket::{Stream, accept, refuse};
