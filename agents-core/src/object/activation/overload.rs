//! The rejection of events of an object that gets no slot.

use std::collections::VecDeque;

use bytes::Bytes;
use http::StatusCode;

use crate::gateway::{ConnectionKey, ResponseHead, ToGateway, ToObject};
use crate::limits::Limit;
use crate::object::ObjectHandle;
use crate::object::activation::shutdown::refire_alarm;
use crate::support::sampled::sampled;
use crate::wire::close_code;

const BUSY: &str = "server is busy";

/// Fails the waiting events of an object that could not start; closes of connections and alarms are kept.
pub(super) fn reject_pending(handle: &ObjectHandle) {
    sampled!(
        DEBUG,
        "objects that are turned away",
        class = &*handle.key.class,
        name = &*handle.key.name,
        "too many objects are awake, its events are turned away"
    );
    let mut events = VecDeque::new();
    handle.mailbox.take(&mut events);
    let (mut kept, mut messages, mut fires) = (Vec::new(), Vec::new(), false);
    for event in events {
        match event {
            // The code is final for clients, as for every refusal before the accept.
            ToObject::Connect { connection, .. } => messages.push(close(connection, close_code::UNAVAILABLE)),
            ToObject::Message { connection, .. } => {
                messages.push(close(connection, close_code::TRY_AGAIN_LATER))
            }
            ToObject::Request { request, .. } => {
                let head =
                    ResponseHead { status: StatusCode::SERVICE_UNAVAILABLE.as_u16(), headers: Vec::new() };
                messages.push(ToGateway::Respond { request, head });
                messages
                    .push(ToGateway::RespondChunk { request, chunk: Bytes::from_static(BUSY.as_bytes()) });
                messages.push(ToGateway::RespondEnd { request, complete: true });
            }
            ToObject::Alarm => fires = true,
            ToObject::Close { .. } => kept.push(event),
            ToObject::Error { .. }
            | ToObject::Drained { .. }
            | ToObject::Gone { .. }
            | ToObject::Room { .. }
            | ToObject::BodyChunk { .. }
            | ToObject::BodyEnd { .. } => {}
        }
    }
    handle.environment.limit_counts.record(Limit::AgentsAwake);
    handle.mailbox.put_back(kept.into_iter());
    handle.gateway.apply(&mut messages);
    if fires {
        refire_alarm(handle);
    }
}

fn close(connection: ConnectionKey, code: u16) -> ToGateway {
    ToGateway::Close { connection, code: Some(code), reason: BUSY.to_owned() }
}
