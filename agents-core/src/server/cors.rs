//! What pages of other origins may read.

use axum::response::Response;
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderValue};

use crate::server::access::Access;

/// The headers that let the page of a request read its response.
#[derive(Debug)]
pub(super) struct Cors {
    /// Whom the answer is for; `None` for a page that may not read it.
    origin: Option<HeaderValue>,
    /// Which headers the page may send.
    headers: HeaderValue,
    /// Whether other origins get another answer.
    varies: bool,
}

impl Cors {
    /// Looks at a request; `None` when the program wants no such headers.
    pub(super) fn of(access: &Access, request: &HeaderMap) -> Option<Self> {
        if !access.cors {
            return None;
        }
        let any = HeaderValue::from_static("*");
        if access.origins.is_open() {
            return Some(Self { origin: Some(any.clone()), headers: any, varies: false });
        }
        let origin = request.get(ORIGIN).filter(|origin| access.origins.lists(origin)).cloned();
        // With credentials the star is a header of that name.
        let headers = request.get(ACCESS_CONTROL_REQUEST_HEADERS).cloned().unwrap_or(any);
        Some(Self { origin, headers, varies: true })
    }

    pub(super) fn put(self, response: &mut Response) {
        let headers = response.headers_mut();
        if self.varies {
            headers.append(VARY, HeaderValue::from_name(ORIGIN));
        }
        let Some(origin) = self.origin else { return };
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        if self.varies {
            headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        }
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST, HEAD, OPTIONS"));
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, self.headers);
        headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("86400"));
    }
}
