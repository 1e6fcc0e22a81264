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

use crate::gateway::http::request::post;
use crate::gateway::{FREE_BYTES, Hub, MemoryPermit, ObjectPort, RequestKey, ToObject};
use crate::limits::Limit;
use crate::sampled::sampled;

/// How many bytes of a body may be in an object that has not read them.
pub(crate) const BODY_WINDOW: usize = 256 * 1024;

/// How much is still taken of a body that nobody reads any more, and for how long: a client that
/// is cut off while it sends may never see the response.
const DRAIN_BYTES: usize = 256 * 1024;
const DRAIN_TIME: Duration = Duration::from_secs(1);

/// The body of a request: all of it, or its start and what is still to come.
#[derive(Debug)]
pub(crate) struct Payload {
    pub(crate) first: Bytes,
    pub(crate) held: MemoryPermit,
    pub(crate) rest: Option<Box<Upload>>,
}

impl Payload {
    /// One that is all there.
    pub(crate) fn whole(first: Bytes, held: MemoryPermit) -> Self {
        Self { first, held, rest: None }
    }
}

/// What is still to come of a body.
#[derive(Debug)]
pub(crate) struct Upload {
    pub(crate) body: Body,
    /// What was read and is still to be handed on.
    pub(crate) ahead: Bytes,
    /// How many bytes may still come.
    pub(crate) left: usize,
    /// How long it may make no progress while there is room for more.
    pub(crate) patience: Duration,
}

/// Why the body of a request ended early.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[non_exhaustive]
pub enum BodyFault {
    /// The client broke off, or the request is over. Status 400.
    #[error("the body broke off")]
    BrokeOff,
    /// More than [`Limits::body_bytes`](crate::Limits::body_bytes), or than its reader takes. Status 413.
    #[error("Body too large")]
    TooLarge,
    /// No progress for [`Limits::body_timeout`](crate::Limits::body_timeout). Status 408.
    #[error("The body took too long")]
    TooSlow,
    /// The memory for what clients send is used up. Status 503.
    #[error("The server is busy")]
    Busy,
}

impl BodyFault {
    /// The status of the response, if the object has not begun one.
    pub(crate) fn status(self) -> StatusCode {
        match self {
            Self::BrokeOff => StatusCode::BAD_REQUEST,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The limit that was reached.
    pub(crate) fn limit(self) -> Option<Limit> {
        match self {
            Self::BrokeOff => None,
            Self::TooLarge => Some(Limit::BodyBytes),
            Self::TooSlow => Some(Limit::BodyTimeout),
            Self::Busy => Some(Limit::IncomingBytes),
        }
    }
}

/// How much of a body the object still takes.
#[derive(Debug)]
pub(crate) struct BodyCredit {
    room: Semaphore,
    over: CancellationToken,
}

impl BodyCredit {
    /// Of a body whose first bytes the object has.
    pub(crate) fn new(first: usize) -> Arc<Self> {
        Arc::new(Self {
            room: Semaphore::new(BODY_WINDOW.saturating_sub(first)),
            over: CancellationToken::new(),
        })
    }

    /// The object has read so many bytes.
    pub(crate) fn add(&self, bytes: usize) {
        self.room.add_permits(bytes);
    }

    /// The request is over.
    pub(crate) fn close(&self) {
        self.over.cancel();
    }

    async fn take(&self, bytes: usize) {
        // Nobody closes it; whoever waits is dropped when the request is over.
        if let Ok(permits) = self.room.acquire_many(u32::try_from(bytes).unwrap_or(u32::MAX)).await {
            permits.forget();
        }
    }
}

/// Hands the rest of a body on as the object reads it, in a task of its own, and tells when it
/// ended early.
pub(crate) fn start(
    mut upload: Box<Upload>,
    request: RequestKey,
    hub: Arc<Hub>,
    port: Arc<dyn ObjectPort>,
    credit: Arc<BodyCredit>,
) -> oneshot::Receiver<BodyFault> {
    let (tell, told) = oneshot::channel();
    tokio::spawn(async move {
        let done = tokio::select! {
            biased;
            () = credit.over.cancelled() => None,
            end = upload.send(request, &hub, &port, &credit) => Some(end),
        };
        let fault = match done {
            // The response came first.
            None => return upload.drain().await,
            Some(Ok(())) => None,
            Some(Err(fault)) => Some(fault),
        };
        if let Some(fault) = fault {
            if let Some(limit) = fault.limit() {
                hub.gateway.totals.limits.record(limit);
            }
            // Before the object hears of it and answers in its own way.
            let _ = tell.send(fault);
        }
        let _ = post(&*port, ToObject::BodyEnd { request, fault }).await;
        if fault.is_some_and(|fault| fault != BodyFault::BrokeOff) {
            upload.drain().await;
        }
    });
    told
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
                let mut held = MemoryPermit::default();
                if held.grow(&hub.gateway.incoming, len) {
                    credit.take(len).await;
                } else {
                    // What one may have anyway: one piece, when all before it are read.
                    hub.gateway.totals.limits.record(Limit::IncomingBytes);
                    credit.take(BODY_WINDOW).await;
                    credit.add(BODY_WINDOW - len);
                }
                let chunk = self.ahead.split_to(len);
                if post(&**port, ToObject::BodyChunk { request, chunk, held }).await.is_err() {
                    return Err(BodyFault::BrokeOff);
                }
            }
            // A client is waited for only while there is room: an object that does not read is not its fault.
            credit.take(1).await;
            credit.add(1);
            let Some(data) = self.next().await? else { return Ok(()) };
            self.ahead = data;
        }
    }

    async fn next(&mut self) -> Result<Option<Bytes>, BodyFault> {
        loop {
            let frame = match timeout(self.patience, self.body.frame()).await {
                Err(_) => return Err(BodyFault::TooSlow),
                Ok(None) => return Ok(None),
                Ok(Some(Err(error))) => {
                    sampled!(DEBUG, "requests that broke off", %error, "a request broke off");
                    return Err(BodyFault::BrokeOff);
                }
                Ok(Some(Ok(frame))) => frame,
            };
            let Ok(data) = frame.into_data() else { continue };
            self.left = self.left.checked_sub(data.len()).ok_or(BodyFault::TooLarge)?;
            if !data.is_empty() {
                return Ok(Some(data));
            }
        }
    }

    /// Takes a little more of what nobody reads.
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
