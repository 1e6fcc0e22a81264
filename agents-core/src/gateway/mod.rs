//! Sockets and requests: everything that touches the network on behalf of one object.
//!
//! A [`Hub`] is the gateway's side of one object. It speaks to the object in plain serialisable
//! messages ([`ToObject`], [`ToGateway`]) through an [`ObjectPort`]; no socket, no HTTP type and
//! no task handle crosses that line, so that the two sides can live in different processes later.

mod attachment;
mod codec;
mod hub;
mod message;
mod outbox;
mod port;
mod request;
mod socket;
mod tags;
mod upgrade;

pub(crate) use attachment::{Attachment, Flags};
pub(crate) use codec::{MAX_REASON, may_be_sent};
pub(crate) use hub::{Hub, HubLimits};
pub(crate) use message::{
    AutoResponse, Card, ConnectionInfo, ConnectionKey, Head, RequestKey, ResponseHead, Selection, Targets,
    ToGateway, ToObject,
};
pub use message::{Close, IntoMessage, Message};
pub(crate) use port::{ObjectPort, PostError};
pub(crate) use request::{ForwardError, forward};
pub(crate) use socket::{open, refuse};
pub use tags::TagsError;
pub(crate) use tags::check_tags;
pub(crate) use upgrade::{Upgrade, wants_upgrade};
