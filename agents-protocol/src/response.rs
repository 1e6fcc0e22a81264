//! Errors as responses to HTTP requests.

use std::borrow::Cow;

use axum::Json;
use axum::extract::rejection;
use axum::http::header::WWW_AUTHENTICATE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use crate::error::Error;

/// The letters and digits of an id. Characters that look alike are missing.
const ALPHABET: [char; 31] = [
    'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'j', 'k', 'm', 'n', 'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x',
    'y', 'z', '2', '3', '4', '5', '6', '7', '8', '9',
];

/// Returns a new id, which a log line and a text for a client have in common.
#[doc(hidden)]
pub fn new_id() -> String {
    nanoid::nanoid!(10, &ALPHABET)
}

/// Returns the text that clients read of a hidden error.
#[doc(hidden)]
pub fn hidden_text(id: &str) -> String {
    format!("Internal error (id {id})")
}

/// The body of a response to a request that failed.
#[doc(hidden)]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody<'a> {
    pub code: Cow<'a, str>,
    pub message: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Cow<'a, str>>,
}

impl<'a> ErrorBody<'a> {
    /// Returns the body for a status, with the code that stands for the status.
    pub fn of_status(status: StatusCode, message: impl Into<Cow<'a, str>>) -> Self {
        Self { code: code_of(status).into(), message: message.into(), id: None }
    }

    /// Returns the response with this body.
    pub fn respond(&self, status: StatusCode) -> Response {
        let mut response = (status, Json(self)).into_response();
        if status == StatusCode::UNAUTHORIZED {
            // A 401 response must name an authentication scheme.
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl Error {
    /// Returns the status of the response to an HTTP request that fails with this error.
    ///
    /// | error | status |
    /// |---|---|
    /// | hidden, also in the agent that was called | 500 |
    /// | `unauthorized` | 401 |
    /// | `forbidden`, `readonly` | 403 |
    /// | `not_found`, `unknown_agent` | 404 |
    /// | `conflict` | 409 |
    /// | `too_large` | 413 |
    /// | `too_many` | 429 |
    /// | `unavailable`, `busy`, `interrupted`, `not_started`, `overflow`, `stopping` | 503 |
    /// | `timeout` | 504 |
    /// | `call_cycle`, `call_depth` | 508 |
    /// | the rejection of an extractor of axum | that of the rejection |
    /// | visible, with another code | 400 |
    pub fn status(&self) -> StatusCode {
        self.seen_by_client().map_or(StatusCode::INTERNAL_SERVER_ERROR, |(status, _)| status)
    }

    /// Returns the status and the text for clients; `None` for an error that is logged now, with an id.
    #[doc(hidden)]
    pub fn seen_by_client(&self) -> Option<(StatusCode, Cow<'_, str>)> {
        match (self.client_message(), self.logged_id()) {
            (Some(message), None) => Some((status_of(self.code()), message.into())),
            (Some(message), Some(_)) => Some((StatusCode::INTERNAL_SERVER_ERROR, message.into())),
            (None, _) => rejection(self).map(|(status, text)| (status, text.into())),
        }
    }

    /// Returns the response. The closure logs the error: with a new id if it is hidden, and otherwise as one
    /// that the client reads.
    #[doc(hidden)]
    pub fn respond(&self, log: impl FnOnce(Option<&str>)) -> Response {
        let Some((status, message)) = self.seen_by_client() else {
            let id = new_id();
            log(Some(&id));
            let body =
                ErrorBody { code: "internal".into(), message: hidden_text(&id).into(), id: Some(id.into()) };
            return body.respond(StatusCode::INTERNAL_SERVER_ERROR);
        };
        log(None);
        let body = match (self.logged_id(), self.client_message()) {
            (Some(id), _) => ErrorBody { code: "internal".into(), message, id: Some(id.into()) },
            (None, Some(_)) => ErrorBody { code: self.code().into(), message, id: None },
            (None, None) => ErrorBody::of_status(status, message),
        };
        body.respond(status)
    }
}

/// A response with the [`status`](Error::status) and the code and the message in JSON. A hidden error is
/// logged.
impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let code = self.code();
        self.respond(|id| match id {
            // As a text, which subscribers escape: an error may repeat what a client sent.
            Some(error_id) => {
                let error = self.to_string();
                tracing::error!(target: "agents::error", error_id, code, error, "a route failed");
            }
            None => tracing::debug!(target: "agents::error", code, "a route refused a request"),
        })
    }
}

fn status_of(code: &str) -> StatusCode {
    match code {
        "unauthorized" => StatusCode::UNAUTHORIZED,
        "forbidden" | "readonly" => StatusCode::FORBIDDEN,
        "not_found" | "unknown_agent" => StatusCode::NOT_FOUND,
        "conflict" => StatusCode::CONFLICT,
        "too_large" => StatusCode::PAYLOAD_TOO_LARGE,
        "too_many" => StatusCode::TOO_MANY_REQUESTS,
        "unavailable" | "busy" | "interrupted" | "not_started" | "overflow" | "stopping" => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        "timeout" => StatusCode::GATEWAY_TIMEOUT,
        "call_cycle" | "call_depth" => StatusCode::LOOP_DETECTED,
        _ => StatusCode::BAD_REQUEST,
    }
}

fn code_of(status: StatusCode) -> &'static str {
    match status {
        StatusCode::UNAUTHORIZED => "unauthorized",
        StatusCode::FORBIDDEN => "forbidden",
        StatusCode::NOT_FOUND => "not_found",
        StatusCode::CONFLICT => "conflict",
        StatusCode::PAYLOAD_TOO_LARGE => "too_large",
        StatusCode::TOO_MANY_REQUESTS => "too_many",
        StatusCode::SERVICE_UNAVAILABLE => "unavailable",
        StatusCode::GATEWAY_TIMEOUT => "timeout",
        status if status.is_server_error() => "internal",
        _ => "invalid",
    }
}

/// Returns the answer of an extractor of axum that rejected a request; `None` for other errors.
fn rejection(error: &Error) -> Option<(StatusCode, String)> {
    macro_rules! find {
        ($($kind:ident)*) => {
            None$(.or_else(|| error.downcast_ref::<rejection::$kind>().map(|it| (it.status(), it.body_text()))))*
        };
    }
    let answer = find!(
        BytesRejection StringRejection JsonRejection FormRejection RawFormRejection QueryRejection
        PathRejection RawPathParamsRejection
    );
    // Errors of the program are not shown to clients.
    answer.filter(|(status, _)| status.is_client_error())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_leads_to_a_status_and_back() {
        let made: [fn(&'static str) -> Error; 8] = [
            |text| Error::invalid(text),
            |text| Error::unauthorized(text),
            |text| Error::forbidden(text),
            |text| Error::not_found(text),
            |text| Error::conflict(text),
            |text| Error::too_large(text),
            |text| Error::too_many(text),
            |text| Error::unavailable(text),
        ];
        let statuses: Vec<u16> = made.iter().map(|make| make("text").status().as_u16()).collect();
        assert_eq!(statuses, [400, 401, 403, 404, 409, 413, 429, 503]);
        for make in made {
            let error = make("text");
            assert_eq!(code_of(error.status()), error.code());
            assert_eq!(error.client_message(), Some("text"));
        }
    }

    #[test]
    fn visible_errors_are_of_the_client_and_hidden_ones_ours() {
        assert_eq!(Error::msg("Game is full").status(), 400);
        assert_eq!(Error::new("out_of_paper", "no more paper").status(), 400);
        assert_eq!(Error::new("call_depth", "32 agents already wait for each other").status(), 508);
        assert_eq!(Error::internal(std::fmt::Error).visible().status(), 400);
        assert_eq!(Error::internal(std::fmt::Error).status(), 500);
        assert_eq!(Error::hidden("not_found", "a table is missing").status(), 500);
        assert_eq!(Error::crossed("panic", hidden_text("x"), Some("x".to_owned())).status(), 500);
        assert_eq!(Error::crossed("conflict", "taken".to_owned(), None).status(), 409);
        assert_eq!(Error::unauthorized("log in").into_response().headers()["www-authenticate"], "Bearer");
    }
}
