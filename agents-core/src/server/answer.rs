//! A response that keeps the place of its request to its end.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, HttpBody};
use axum::response::Response;
use bytes::Bytes;
use http_body::{Frame, SizeHint};

use crate::gateway::Place;

struct Answer {
    body: Body,
    _place: Place,
}

/// Keeps a place until the body of a response was sent, or nobody wants the rest.
pub(super) fn keep(response: Response, place: Place) -> Response {
    response.map(|body| match body.is_end_stream() {
        true => body,
        false => Body::new(Answer { body, _place: place }),
    })
}

impl HttpBody for Answer {
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
