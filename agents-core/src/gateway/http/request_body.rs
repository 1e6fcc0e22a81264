//! The body of a request on its way to an object.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::StatusCode;
use http_body_util::BodyExt;
use serde::{Deserialize, Serialize};
use tokio::sync::{Semaphore, oneshot};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::error::Error;
use crate::gateway::{FREE_BYTES, Hub, MemoryPermit, ObjectPort, RequestKey, ToObject, post};
use crate::limits::Limit;
use crate::support::sampled::sampled;

/// The maximum number of bytes of a body that an object has not read.
pub(crate) const BODY_WINDOW: usize = 256 * 1024;

/// The bytes of an unread body that are still received, and the time for it. A client whose connection is cut
/// while it sends may never read the response.
const DRAIN_BYTES: usize = 256 * 1024;
const DRAIN_TIME: Duration = Duration::from_secs(1);

/// The body of a request: all of it, or its start and the part that follows.
#[derive(Debug)]
pub(crate) struct Payload {
    pub(crate) first: Bytes,
    pub(crate) permit: MemoryPermit,
    pub(crate) rest: Option<Box<Upload>>,
}

impl Payload {
    /// Returns a body that is complete.
    pub(crate) fn whole(first: Bytes, permit: MemoryPermit) -> Self {
        Self { first, permit, rest: None }
    }
}

/// The part of a body that still follows.
#[derive(Debug)]
pub(crate) struct Upload {
    pub(crate) body: Body,
    /// The bytes that were read and not yet handed on.
    pub(crate) ahead: Bytes,
    /// The number of bytes that may still come.
    pub(crate) left: usize,
    /// The number of bytes that the whole body may have.
    pub(crate) limit: usize,
    /// The maximum time without progress while the object has space for more.
    pub(crate) read_timeout: Duration,
}

/// Why the body of a request ended early.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[non_exhaustive]
pub enum BodyFault {
    /// The client broke off, or the request is over. Status 400.
    #[error("the body broke off")]
    BrokeOff,
    /// More than [`Limits::body_bytes`](crate::Limits::body_bytes), or than its reader takes. Status 413.
    #[error("the body has more than {limit} bytes")]
    TooLarge {
        /// The number of bytes that are allowed.
        limit: usize,
    },
    /// No progress for [`Limits::body_timeout`](crate::Limits::body_timeout). Status 408.
    #[error("The body took too long")]
    TooSlow,
    /// The memory for what clients send is used up. Status 503.
    #[error("The server is busy")]
    Busy,
}

impl BodyFault {
    /// Returns the status of the response, if the object has not begun one.
    pub(crate) fn status(self) -> StatusCode {
        match self {
            Self::BrokeOff => StatusCode::BAD_REQUEST,
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// Returns the error for handlers, with the code `request_body`.
    pub(crate) fn into_error(self) -> Error {
        Error::hidden("request_body", self)
    }

    /// Returns the limit that was reached.
    pub(crate) fn limit(self) -> Option<Limit> {
        match self {
            Self::BrokeOff => None,
            Self::TooLarge { .. } => Some(Limit::BodyBytes),
            Self::TooSlow => Some(Limit::BodyTimeout),
            Self::Busy => Some(Limit::IncomingBytes),
        }
    }
}

/// The number of bytes of a body that the object still accepts.
#[derive(Debug)]
pub(crate) struct BodyCredit {
    room: Semaphore,
    over: CancellationToken,
}

impl BodyCredit {
    /// Returns the credit of a body whose first bytes were already sent to the object.
    pub(crate) fn new(first: usize) -> Arc<Self> {
        Arc::new(Self {
            room: Semaphore::new(BODY_WINDOW.saturating_sub(first)),
            over: CancellationToken::new(),
        })
    }

    /// Adds bytes that the object has read.
    pub(crate) fn add(&self, bytes: usize) {
        self.room.add_permits(bytes);
    }

    /// Ends the transfer, because the request is over.
    pub(crate) fn close(&self) {
        self.over.cancel();
    }

    async fn take(&self, bytes: usize) {
        // The semaphore is never closed; a waiting task is dropped when the request is over.
        if let Ok(permits) = self.room.acquire_many(u32::try_from(bytes).unwrap_or(u32::MAX)).await {
            permits.forget();
        }
    }
}

/// Hands the rest of a body on as the object reads it, in a task of its own. The receiver gets the fault when
/// the body ended early.
pub(crate) fn start(
    mut upload: Box<Upload>,
    request: RequestKey,
    hub: Arc<Hub>,
    port: Arc<dyn ObjectPort>,
    credit: Arc<BodyCredit>,
) -> oneshot::Receiver<BodyFault> {
    let (fault_sender, fault_receiver) = oneshot::channel();
    tokio::spawn(async move {
        let done = tokio::select! {
            biased;
            () = credit.over.cancelled() => None,
            end = upload.send(request, &hub, &port, &credit) => Some(end),
        };
        let fault = match done {
            // The response was complete before the body.
            None => return upload.drain().await,
            Some(Ok(())) => None,
            Some(Err(fault)) => Some(fault),
        };
        if let Some(fault) = fault {
            if let Some(limit) = fault.limit() {
                hub.gateway.totals.limits.record(limit);
            }
            // The fault is sent before the object learns of it and responds in its own way.
            let _ = fault_sender.send(fault);
        }
        let _ = post(&*port, ToObject::BodyEnd { request, fault }).await;
        if fault.is_some_and(|fault| fault != BodyFault::BrokeOff) {
            upload.drain().await;
        }
    });
    fault_receiver
}

impl Upload {
    async fn send(
        &mut self,
        request: RequestKey,
        hub: &Hub,
        port: &Arc<dyn ObjectPort>,
        credit: &BodyCredit,
    ) -> Result<(), BodyFault> {
        loop {
            while !self.ahead.is_empty() {
                let len = self.ahead.len().min(FREE_BYTES);
                let mut permit = MemoryPermit::default();
                if permit.grow(&hub.gateway.incoming, len) {
                    credit.take(len).await;
                } else {
                    // Without a budget one piece is allowed, after all pieces before it were read.
                    hub.gateway.totals.limits.record(Limit::IncomingBytes);
                    credit.take(BODY_WINDOW).await;
                    credit.add(BODY_WINDOW - len);
                }
                let chunk = self.ahead.split_to(len);
                if post(&**port, ToObject::BodyChunk { request, chunk, permit }).await.is_err() {
                    return Err(BodyFault::BrokeOff);
                }
            }
            // The time of a client counts only while there is space: an object that does not read is not the
            // client's fault.
            credit.take(1).await;
            credit.add(1);
            let Some(data) = self.next().await? else { return Ok(()) };
            self.ahead = data;
        }
    }

    async fn next(&mut self) -> Result<Option<Bytes>, BodyFault> {
        loop {
            let frame = match timeout(self.read_timeout, self.body.frame()).await {
                Err(_) => return Err(BodyFault::TooSlow),
                Ok(None) => return Ok(None),
                Ok(Some(Err(error))) => {
                    sampled!(DEBUG, "requests that broke off", %error, "a request broke off");
                    return Err(BodyFault::BrokeOff);
                }
                Ok(Some(Ok(frame))) => frame,
            };
            let Ok(data) = frame.into_data() else { continue };
            self.left = self.left.checked_sub(data.len()).ok_or(BodyFault::TooLarge { limit: self.limit })?;
            if !data.is_empty() {
                return Ok(Some(data));
            }
        }
    }

    /// Receives a little more of an unread body.
    async fn drain(&mut self) {
        let drain = async {
            let mut drained = 0;
            while drained < DRAIN_BYTES
                && let Some(Ok(frame)) = self.body.frame().await
            {
                drained += frame.data_ref().map_or(0, Bytes::len);
            }
        };
        let _ = timeout(DRAIN_TIME, drain).await;
    }
}
