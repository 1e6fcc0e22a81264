//! The refusal of a connection or a request.

use axum::response::{IntoResponse, Response};
use http::StatusCode;

use crate::error::Error;
use crate::gateway::cut_reason;
use crate::object::report;
use crate::response::ErrorBody;
use crate::wire::close_code;

/// A refusal of a connection or an HTTP request: a code and a reason.
///
/// A refused connection is accepted and then closed immediately with the code and the reason, without any
/// other frame. The reason for this is the npm client: it retries a refused *handshake* forever and does not
/// notify the application. Codes 1008 and 4000-4999 are final for that client.
/// [`Agents::refuse_handshakes`](crate::Agents::refuse_handshakes) refuses the handshake instead.
/// An HTTP request is answered with [`status`](Self::status) and the reason in JSON.
///
/// The hook `authorize` of an agent guards only its connections. HTTP requests are guarded by
/// [`Agents::authorize`](crate::Agents::authorize), which also runs before the agent wakes, or in
/// `on_request`, where a refusal is a response:
///
/// ```
/// use agents_core::axum::response::IntoResponse;
/// use agents_core::{ConnectRequest, Refusal, Request, Response};
///
/// fn on_request(request: Request) -> Response {
///     match ConnectRequest::from(&request).cookie("session") {
///         Some(_) => "welcome".into_response(),
///         None => Refusal::unauthorized("log in first").into_response(),
///     }
/// }
/// # let request = http::Request::get("/").body(Default::default()).unwrap();
/// # assert_eq!(on_request(request).status(), 401);
/// ```
///
/// The code and the reason are readable:
///
/// ```
/// use agents_core::Refusal;
///
/// let refusal = Refusal::unauthorized("a token is required");
/// assert_eq!((refusal.code(), refusal.reason()), (4401, "a token is required"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    code: u16,
    reason: String,
}

impl Refusal {
    /// Returns a refusal with a code of your own: 4000-4999 or 1008, which are final. Any other code becomes
    /// 4403.
    ///
    /// A reason of more than 123 bytes is cut.
    pub fn new(code: u16, reason: impl Into<String>) -> Self {
        let code = if close_code::is_final(code) { code } else { close_code::FORBIDDEN };
        Self::with_code(code, reason)
    }

    /// Refuses with a code that may be one that clients try again after.
    pub(crate) fn with_code(code: u16, reason: impl Into<String>) -> Self {
        Self { code, reason: cut_reason(reason.into()) }
    }

    /// Returns a refusal with 4400: the request cannot be understood.
    pub fn bad_request(reason: impl Into<String>) -> Self {
        Self::new(close_code::BAD_REQUEST, reason)
    }

    /// Returns a refusal with 4401: the client is not authenticated.
    pub fn unauthorized(reason: impl Into<String>) -> Self {
        Self::new(close_code::UNAUTHORIZED, reason)
    }

    /// Returns a refusal with 4403: the client is known, but not allowed.
    pub fn forbidden(reason: impl Into<String>) -> Self {
        Self::new(close_code::FORBIDDEN, reason)
    }

    /// Returns a refusal with 4404: the target does not exist.
    pub fn not_found(reason: impl Into<String>) -> Self {
        Self::new(close_code::NOT_FOUND, reason)
    }

    /// Returns a refusal with 4429: too many requests or connections.
    pub fn too_many(reason: impl Into<String>) -> Self {
        Self::new(close_code::TOO_MANY, reason)
    }

    /// Returns the close code.
    pub fn code(&self) -> u16 {
        self.code
    }

    /// Returns the reason that the client sees.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// Returns the HTTP status that corresponds to the code: the last three digits of 4400 to 4599, and 403 for
    /// every other code.
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(close_code::status(self.code)).unwrap_or(StatusCode::FORBIDDEN)
    }
}

/// A response with the [`status`](Refusal::status), and in JSON the reason and the code that an [`Error`] with
/// this status has: `{"code":"unauthorized","message":"log in first"}`.
impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = self.status();
        ErrorBody::of_status(status, self.reason).respond(status)
    }
}

/// A refusal with the close code for the [status](Error::status) of the error: 4404 for
/// [`Error::not_found`]. A hidden error is logged, and refuses with 4500 and the id of the log line.
impl<E: Into<Error>> From<E> for Refusal {
    fn from(error: E) -> Self {
        let error = error.into();
        match error.seen_by_client() {
            Some((status, message)) => Self::new(close_code::of_status(status.as_u16()), message),
            None => Self::new(close_code::SERVER_ERROR, report::refusal_text(&error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_final_and_fit_a_close_frame() {
        assert_eq!(Refusal::new(1000, "x").code(), 4403);
        assert_eq!(Refusal::new(1008, "x").code(), 1008);
        let long = Refusal::forbidden("é".repeat(100));
        assert_eq!(long.reason().len(), 122);
    }

    #[test]
    fn refusals_have_a_status() {
        for (code, status) in [
            (4400, 400),
            (4401, 401),
            (4403, 403),
            (4404, 404),
            (4429, 429),
            (4500, 500),
            (4503, 503),
            (4409, 409),
            (4001, 403),
            (4999, 403),
            (1008, 403),
        ] {
            assert_eq!(Refusal::new(code, "x").into_response().status(), status, "{code}");
        }
        let response = Refusal::unauthorized("x").into_response();
        assert_eq!(response.headers()["www-authenticate"], "Bearer");
    }

    #[test]
    fn an_error_becomes_4500_and_keeps_its_secrets() {
        let refusal = Refusal::from(std::io::Error::other("secret"));
        assert_eq!(refusal.code(), 4500);
        assert!(!refusal.reason().contains("secret"));
        let taken = Refusal::from(Error::conflict("the seat is taken"));
        assert_eq!((taken.code(), taken.reason(), taken.status().as_u16()), (4409, "the seat is taken", 409));
        assert_eq!(Refusal::from(Error::msg("try later")).code(), 4400);
    }
}
