//! HTTP requests on their way to an object, and their responses.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_core::Stream;
use http::{HeaderName, HeaderValue, StatusCode};
use tokio::sync::mpsc;

use crate::gateway::http::request_body;
use crate::gateway::hub::ResponsePart;
use crate::gateway::{
    BodyCredit, BodyFault, FRAME_BYTES, GatewayPort, Head, Hub, ObjectPort, Payload, PostError, RequestKey,
    ResponseHead, ToObject, post,
};

/// The maximum number of bytes of a response that were sent and not yet received by its client.
pub(crate) const RESPONSE_WINDOW: usize = 256 * 1024;

/// Returns the share of a chunk in the window of its response; one chunk always fits.
pub(crate) fn window_share(len: usize) -> u32 {
    (len + FRAME_BYTES).min(RESPONSE_WINDOW) as u32
}

/// A reason why there is no response.
#[derive(Debug)]
pub(crate) enum ForwardError {
    /// The object was retired meanwhile; the caller looks it up again and sends the request once more.
    Retired(Box<(Head, Payload)>),
    /// The body ended early, before there was a response.
    Body(BodyFault),
    /// The object dropped the request.
    Broken,
}

/// Hands a request to an object and returns its response, whose body is streamed.
pub(crate) async fn forward(
    hub: Arc<Hub>,
    port: Arc<dyn ObjectPort>,
    head: Head,
    payload: Payload,
) -> Result<Response, ForwardError> {
    let request = RequestKey::next();
    let Payload { first, permit, mut rest } = payload;
    let credit = rest.as_ref().map(|_| BodyCredit::new(first.len()));
    let Some(parts) = hub.open_request(request, credit.clone()) else {
        return Err(ForwardError::Retired(Box::new((head, Payload { first, permit, rest }))));
    };
    let mut open = OpenRequest { request, hub, port, parts, done: false, unreported: 0 };
    let more = rest.is_some();
    let message = ToObject::Request { request, head: Box::new(head), body: first, more, permit };
    if let Err(back) = post(&*open.port, message).await {
        open.done = true;
        return match back {
            ToObject::Request { head, body: first, permit, .. } => {
                Err(ForwardError::Retired(Box::new((*head, Payload { first, permit, rest: rest.take() }))))
            }
            _ => Err(ForwardError::Broken),
        };
    }
    let part = match rest.zip(credit) {
        None => open.parts.recv().await,
        Some((rest, credit)) => {
            let fault = request_body::start(rest, request, open.hub.clone(), open.port.clone(), credit);
            tokio::select! {
                biased;
                Ok(fault) = fault => return Err(ForwardError::Body(fault)),
                part = open.parts.recv() => part,
            }
        }
    };
    match part {
        Some(ResponsePart::Head(head)) => Ok(respond(head, open)),
        Some(ResponsePart::Chunk(_) | ResponsePart::End { .. }) | None => {
            open.done = true;
            Err(ForwardError::Broken)
        }
    }
}

fn respond(head: ResponseHead, open: OpenRequest) -> Response {
    let mut response = Response::new(Body::from_stream(open));
    *response.status_mut() = StatusCode::from_u16(head.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in head.headers {
        // They were valid when the agent made them; an invalid one is skipped.
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::from_bytes(&value)) {
            response.headers_mut().append(name, value);
        }
    }
    response
}

/// A request until its response is complete. When it is dropped early, the object is notified.
struct OpenRequest {
    request: RequestKey,
    hub: Arc<Hub>,
    port: Arc<dyn ObjectPort>,
    parts: mpsc::UnboundedReceiver<ResponsePart>,
    done: bool,
    /// The sum of the window shares of the chunks that were received and not yet reported to the object.
    unreported: u64,
}

impl OpenRequest {
    fn report_drained(&mut self, cx: &Context<'_>) {
        // An object that has sent its whole response may hibernate already.
        if self.unreported > 0 && self.hub.has_request(self.request) {
            let drained = ToObject::Drained { request: self.request, bytes: self.unreported };
            if self.port.post(drained, cx).is_ok() {
                self.unreported = 0;
            }
        }
    }
}

impl Stream for OpenRequest {
    type Item = Result<Bytes, std::io::Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.report_drained(cx);
        if self.done {
            return Poll::Ready(None);
        }
        match self.parts.poll_recv(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Some(ResponsePart::Chunk(chunk))) => {
                self.unreported += u64::from(window_share(chunk.len()));
                self.report_drained(cx);
                Poll::Ready(Some(Ok(chunk)))
            }
            Poll::Ready(Some(ResponsePart::End { complete: true })) => {
                self.done = true;
                Poll::Ready(None)
            }
            Poll::Ready(Some(_) | None) => {
                self.done = true;
                Poll::Ready(Some(Err(std::io::Error::other("the agent did not finish its response"))))
            }
        }
    }
}

impl Drop for OpenRequest {
    fn drop(&mut self) {
        let open = self.hub.drop_request(self.request);
        if self.done || !open {
            return;
        }
        let gone = ToObject::Gone { request: self.request };
        let cx = Context::from_waker(Waker::noop());
        if let Err(PostError::Full(gone, _)) = self.port.post(gone, &cx)
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            let port = self.port.clone();
            runtime.spawn(async move { post(&*port, gone).await });
        }
    }
}
