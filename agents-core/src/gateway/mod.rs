//! Sockets and requests: everything that touches the network on behalf of one object.
//!
//! A [`Hub`] is the gateway's side of one object. It speaks to the object in plain serialisable
//! messages ([`ToObject`], [`ToGateway`]) through an [`ObjectPort`]; no socket, no HTTP type and
//! no task handle crosses that line, so that the two sides can live in different processes later.

mod attachment;
mod budget;
mod call;
mod codec;
mod heartbeat;
mod hub;
mod limit;
mod limits;
mod memory;
mod message;
mod meter;
mod outbox;
mod place;
mod port;
mod rate;
mod request;
#[cfg(test)]
mod rig;
mod shared;
mod socket;
mod upgrade;
mod upload;
mod visitor;

pub(crate) use attachment::Attachment;
pub use attachment::Flags;
pub(crate) use budget::{Budget, FRAME_BYTES, FREE_BYTES, Held};
pub(crate) use call::{CallHead, CallerLink, Waits};
#[cfg(feature = "fuzzing")]
pub(crate) use codec::{Decoder, Incoming, Violation, close};
pub(crate) use codec::{MAX_REASON, cut_reason, may_be_sent};
#[cfg(test)]
pub(crate) use hub::RegisterError;
pub(crate) use hub::{Hub, HubLimits, ResponsePart};
pub use limit::{Limit, LimitCounts};
pub use limits::Limits;
pub(crate) use message::{
    AutoResponse, Card, ConnectionInfo, ConnectionKey, Head, RequestKey, ResponseHead, Selection, Targets,
    ToGateway, ToObject,
};
pub use message::{Close, IntoMessage, Message};
pub(crate) use outbox::BEHIND_BYTES;
pub(crate) use place::{Counted, Place, prefix};
pub(crate) use port::{ObjectPort, PostError};
pub use rate::Rate;
pub(crate) use request::{ForwardError, RESPONSE_WINDOW, forward, window_share};
pub(crate) use shared::Gateway;
#[cfg(test)]
pub(crate) use socket::Socket;
pub(crate) use socket::{Stream, open, refuse};
pub(crate) use upgrade::{Upgrade, wants_upgrade};
pub(crate) use upload::{BodyCredit, BodyFault, Payload, Upload};
pub(crate) use visitor::{Visitor, is_from_same_origin, is_own_origin, is_own_page};
