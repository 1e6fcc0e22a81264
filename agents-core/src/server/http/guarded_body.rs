//! A response that holds a value until its end, such as the slot of its request.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, HttpBody};
use axum::response::Response;
use bytes::Bytes;
use http_body::{Frame, SizeHint};

struct HeldBody<T> {
    body: Body,
    _kept: T,
}

/// Keeps a value until the body of a response was sent or dropped.
pub(in crate::server) fn keep<T: Send + Unpin + 'static>(response: Response, kept: T) -> Response {
    response.map(|body| match body.is_end_stream() {
        true => body,
        false => Body::new(HeldBody { body, _kept: kept }),
    })
}

impl<T: Unpin> HttpBody for HeldBody<T> {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
