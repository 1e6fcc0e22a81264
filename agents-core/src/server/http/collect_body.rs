//! The body of a request, collected before an agent is woken.

use std::time::Duration;

use axum::body::{Body, HttpBody};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use tokio::time::timeout;

use crate::gateway::{BodyFault, FREE_BYTES, Gateway, MemoryPermit, Payload, Upload};
use crate::support::sampled::sampled;

/// Collects a small body, so that a client that sends slowly does not wake an agent. Of a larger body only
/// the start is collected, which holds a permit in the memory budget of clients.
pub(in crate::server) async fn begin(
    mut body: Body,
    most: usize,
    read_timeout: Duration,
    gateway: &Gateway,
) -> Result<Payload, BodyFault> {
    let refuse = |fault: BodyFault| {
        if let Some(limit) = fault.limit() {
            gateway.totals.limits.record(limit);
        }
        Err(fault)
    };
    // The announced length is too large, so the request is refused before the body is sent.
    if body.size_hint().lower() > most as u64 {
        return refuse(BodyFault::TooLarge { limit: most });
    }
    let (mut only, mut all) = (None, BytesMut::new());
    loop {
        let frame = match timeout(read_timeout, body.frame()).await {
            Ok(Some(Ok(frame))) => frame,
            Ok(None) => break,
            Ok(Some(Err(error))) => {
                sampled!(DEBUG, "requests that broke off", %error, "the body of a request ended with an error");
                return Err(BodyFault::BrokeOff);
            }
            Err(_) => return refuse(BodyFault::TooSlow),
        };
        let Ok(data) = frame.into_data() else { continue };
        let len = only.as_ref().map_or(all.len(), Bytes::len) + data.len();
        if len > most {
            return refuse(BodyFault::TooLarge { limit: most });
        }
        // Most bodies arrive in one piece, which is not copied.
        if len == data.len() {
            only = Some(data);
        } else {
            if let Some(first) = only.take() {
                all.extend_from_slice(&first);
            }
            all.extend_from_slice(&data);
        }
        if len > FREE_BYTES {
            let mut first = only.unwrap_or_else(|| all.freeze());
            let ahead = first.split_off(FREE_BYTES);
            let mut permit = MemoryPermit::default();
            if !permit.grow(&gateway.incoming, FREE_BYTES) {
                return refuse(BodyFault::Busy);
            }
            let upload = Upload { body, ahead, left: most - len, limit: most, read_timeout };
            return Ok(Payload { first, permit, rest: Some(Box::new(upload)) });
        }
    }
    Ok(Payload::whole(only.unwrap_or_else(|| all.freeze()), MemoryPermit::default()))
}
