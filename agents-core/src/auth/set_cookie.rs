//! The header that sets or removes a cookie.

use std::convert::Infallible;

use axum::response::{IntoResponse, IntoResponseParts, Response, ResponseParts};
use http::HeaderValue;
use http::header::SET_COOKIE;

/// A header `Set-Cookie`, as a part of a response: `(cookie, Redirect::to("/"))`.
///
/// The header is added to those of the response; several cookies stand beside each other. Its `Debug` form
/// does not show the value.
#[derive(Clone, Debug)]
#[must_use = "the cookie is a part of the response"]
pub struct SetCookie(HeaderValue);

impl SetCookie {
    /// Wraps the value of a header.
    pub(super) fn new(mut value: HeaderValue) -> Self {
        value.set_sensitive(true);
        Self(value)
    }

    /// Returns the value of the header, for responses that are made by hand.
    pub fn header_value(&self) -> &HeaderValue {
        &self.0
    }
}

impl IntoResponseParts for SetCookie {
    type Error = Infallible;

    fn into_response_parts(self, mut response: ResponseParts) -> Result<ResponseParts, Infallible> {
        response.headers_mut().append(SET_COOKIE, self.0);
        Ok(response)
    }
}

impl IntoResponse for SetCookie {
    fn into_response(self) -> Response {
        (self, ()).into_response()
    }
}
