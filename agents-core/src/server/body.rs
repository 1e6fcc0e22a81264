//! The body of a request, before an agent is asked.

use std::time::Duration;

use axum::body::{Body, HttpBody};
use bytes::{Bytes, BytesMut};
use http::StatusCode;
use http_body_util::BodyExt;
use tokio::time::timeout;

use crate::gateway::{FREE_BYTES, Gateway, Held, Limit};

/// Why a body was not taken, as the client reads it.
pub(super) type Refused = (StatusCode, &'static str);

/// Collects a body; what it holds of the memory for clients is held until the second value is dropped.
pub(super) async fn collect(
    mut body: Body,
    most: usize,
    patience: Duration,
    gateway: &Gateway,
) -> Result<(Bytes, Held), Refused> {
    let refuse = |limit: Limit, status: StatusCode, text: &'static str| {
        gateway.totals.limits.hit(limit);
        Err((status, text))
    };
    // Announced too large: told before it is sent.
    if body.size_hint().lower() > most as u64 {
        return refuse(Limit::BodyBytes, StatusCode::PAYLOAD_TOO_LARGE, "Body too large");
    }
    let mut held = Held::default();
    let (mut only, mut all) = (None, BytesMut::new());
    loop {
        let frame = match timeout(patience, body.frame()).await {
            Ok(Some(Ok(frame))) => frame,
            Ok(None) => break,
            Ok(Some(Err(error))) => {
                tracing::debug!(%error, "a request broke off");
                return Err((StatusCode::BAD_REQUEST, ""));
            }
            Err(_) => {
                return refuse(Limit::BodyTimeout, StatusCode::REQUEST_TIMEOUT, "The body took too long");
            }
        };
        let Ok(data) = frame.into_data() else { continue };
        let len = only.as_ref().map_or(all.len(), Bytes::len) + data.len();
        if len > most {
            return refuse(Limit::BodyBytes, StatusCode::PAYLOAD_TOO_LARGE, "Body too large");
        }
        if len > FREE_BYTES && !held.grow(&gateway.incoming, len) {
            return refuse(Limit::IncomingBytes, StatusCode::SERVICE_UNAVAILABLE, "The server is busy");
        }
        // Most bodies come in one piece, which is not copied.
        if len == data.len() {
            only = Some(data);
        } else {
            if let Some(first) = only.take() {
                all.extend_from_slice(&first);
            }
            all.extend_from_slice(&data);
        }
    }
    Ok((only.unwrap_or_else(|| all.freeze()), held))
}
