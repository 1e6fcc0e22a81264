//! The body of a request as a handler reads it.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::Body;
use bytes::Bytes;
use futures_core::Stream;
use http::StatusCode;
use http_body::{Frame, SizeHint};
use http_body_util::{BodyExt, Limited};
use serde::de::DeserializeOwned;
use serde_json::error::Category;

use crate::error::{Error, Result};
use crate::gateway::BodyFault;
use crate::object::http::body_buffer::Pieces;

/// The body of a [`Request`](crate::object::Request).
///
/// A body of up to 64 KiB is complete before the object is asked. A larger one comes as it is read: up to
/// 256 KiB wait in the object, and the client sends no more until they are read. What is not read when the
/// response is done is dropped. Reading fails with a [`BodyFault`] when the client breaks off or a limit is
/// reached (see [`Limits::body_bytes`](crate::Limits::body_bytes)). A handler that returns such an error with `?` is
/// answered with the status of the fault.
///
/// The body can be shared between threads, so a handler may lend its request over an await. It is a [`Stream`] of its
/// chunks and an [`http_body::Body`], and becomes a body of axum by [`From`]:
///
/// ```
/// use agents_core::axum::body::Body;
/// use agents_core::axum::{Form, RequestExt};
/// use agents_core::object::{Request, RequestBody, Response};
/// use agents_core::{Result, serde_json::Value};
///
/// async fn length(mut body: RequestBody) -> Result<usize> {
///     let mut length = 0;
///     while let Some(chunk) = body.chunk().await? {
///         length += chunk.len();
///     }
///     Ok(length)
/// }
///
/// fn echo(request: Request) -> Response {
///     Response::new(request.into_body().into())
/// }
///
/// async fn answer_of_form(request: Request) -> Result<Value> {
///     let Form(value) = request.map(Body::from).extract::<Form<Value>, _>().await?;
///     Ok(value)
/// }
/// ```
#[derive(Debug, Default)]
pub struct RequestBody(Content);

#[derive(Debug)]
enum Content {
    /// The rest of a body that is complete.
    Whole(Bytes),
    Pieces(Pieces),
}

impl Default for Content {
    fn default() -> Self {
        Self::Whole(Bytes::new())
    }
}

/// A body that is not what its handler reads it as.
#[derive(Debug, thiserror::Error)]
#[error("the body is not of the expected form: {0}")]
pub(super) struct InvalidBody(serde_json::Error);

impl InvalidBody {
    /// Returns the status of the response.
    pub(super) fn status(&self) -> StatusCode {
        match self.0.classify() {
            Category::Data => StatusCode::UNPROCESSABLE_ENTITY,
            Category::Io | Category::Syntax | Category::Eof => StatusCode::BAD_REQUEST,
        }
    }
}

impl RequestBody {
    /// The largest body that [`json`](Self::json) reads, in bytes: 2 MiB, as the extractor `Json` of axum.
    pub const JSON_BYTES: usize = 2 * 1024 * 1024;

    pub(in crate::object) fn pieces(pieces: Pieces) -> Self {
        Self(Content::Pieces(pieces))
    }

    /// Waits for the next part of the body; `None` at its end.
    ///
    /// # Errors
    /// A [`BodyFault`] when the client breaks off or a limit is reached.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>> {
        poll_fn(|cx| self.poll_chunk(cx)).await.transpose().map_err(BodyFault::into_error)
    }

    /// Reads the whole body, of up to so many bytes.
    ///
    /// # Errors
    /// [`BodyFault::TooLarge`] when it is larger, and as [`chunk`](Self::chunk).
    pub async fn bytes(self, limit: usize) -> Result<Bytes> {
        if let Content::Whole(bytes) = self.0 {
            return if bytes.len() <= limit {
                Ok(bytes)
            } else {
                Err(BodyFault::TooLarge { limit }.into_error())
            };
        }
        let collected = Limited::new(self, limit).collect().await;
        let bytes = collected.map_err(|error| match error.downcast::<BodyFault>() {
            Ok(fault) => fault.into_error(),
            Err(_) => BodyFault::TooLarge { limit }.into_error(),
        })?;
        Ok(bytes.to_bytes())
    }

    /// Reads the whole body, of up to [2 MiB](Self::JSON_BYTES), as JSON, whatever its `Content-Type` says.
    ///
    /// # Errors
    /// `invalid_body` when it is not JSON, or JSON of another form: a handler that returns the error is answered with
    /// 400 or 422. Also as [`bytes`](Self::bytes).
    pub async fn json<T: DeserializeOwned>(self) -> Result<T> {
        let bytes = self.bytes(Self::JSON_BYTES).await?;
        serde_json::from_slice(&bytes)
            .map_err(|error| Error::hidden("invalid_body", InvalidBody(error)).visible())
    }

    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyFault>>> {
        match &mut self.0 {
            Content::Whole(bytes) if bytes.is_empty() => Poll::Ready(None),
            Content::Whole(bytes) => Poll::Ready(Some(Ok(std::mem::take(bytes)))),
            Content::Pieces(pieces) => pieces.poll(cx),
        }
    }
}

impl http_body::Body for RequestBody {
    type Data = Bytes;
    type Error = BodyFault;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyFault>>> {
        let chunk = ready!(self.poll_chunk(cx));
        Poll::Ready(chunk.map(|chunk| chunk.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Content::Whole(bytes) => bytes.is_empty(),
            Content::Pieces(pieces) => pieces.is_over(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Content::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Content::Pieces(_) => SizeHint::default(),
        }
    }
}

impl Stream for RequestBody {
    type Item = Result<Bytes, BodyFault>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_chunk(cx)
    }
}

impl From<RequestBody> for Body {
    fn from(body: RequestBody) -> Self {
        match body.0 {
            Content::Whole(bytes) => Self::from(bytes),
            pieces @ Content::Pieces(_) => Self::new(RequestBody(pieces)),
        }
    }
}

impl<T: Into<Bytes>> From<T> for RequestBody {
    fn from(bytes: T) -> Self {
        Self(Content::Whole(bytes.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_complete_body_is_read_in_every_form() {
        let mut body = RequestBody::from("[1,2]");
        assert_eq!(http_body::Body::size_hint(&body).exact(), Some(5));
        assert_eq!(body.chunk().await.unwrap().unwrap(), "[1,2]");
        assert_eq!(body.chunk().await.unwrap(), None);
        assert!(http_body::Body::is_end_stream(&body));
        assert_eq!(RequestBody::from("[1,2]").bytes(5).await.unwrap(), "[1,2]");
        assert_eq!(RequestBody::from("[1,2]").json::<(u8, u8)>().await.unwrap(), (1, 2));
        let axum = Body::from(RequestBody::from("[1,2]"));
        assert_eq!(axum.collect().await.unwrap().to_bytes(), "[1,2]");
    }

    #[tokio::test]
    async fn a_body_that_is_too_large_or_of_another_form_is_an_error_with_a_status() {
        let error = RequestBody::from("[1,2]").bytes(4).await.unwrap_err();
        assert_eq!(
            (error.code(), error.downcast_ref()),
            ("request_body", Some(&BodyFault::TooLarge { limit: 4 }))
        );
        for (text, status) in [("[1,2", 400), ("", 400), ("[1]", 422), ("[1,\"2\"]", 422)] {
            let error = RequestBody::from(text).json::<(u8, u8)>().await.unwrap_err();
            assert_eq!(error.code(), "invalid_body", "{text}");
            assert_eq!(error.downcast_ref::<InvalidBody>().unwrap().status(), status, "{text}");
        }
    }
}
