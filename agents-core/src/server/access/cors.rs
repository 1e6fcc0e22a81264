//! Cross-origin access of pages to responses.

use axum::response::Response;
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::server::access::config::Access;

/// The methods that a page may use.
const METHODS: &str = "GET, POST, HEAD, OPTIONS, PUT, PATCH, DELETE";

/// The headers that let the page of a request read its response.
#[derive(Debug)]
pub(in crate::server) struct Cors {
    /// The origin that may read the response; `None` for a page that may not read it.
    origin: Option<HeaderValue>,
    /// `true` if cookies are permitted, which requires that `origin` is named.
    credentials: bool,
    /// The headers that the page may send: those that it asks for. `*` covers neither `Authorization` nor
    /// requests with cookies.
    headers: HeaderValue,
    /// The headers of the request that the response depends on.
    vary: Vec<HeaderName>,
}

impl Cors {
    /// Returns the headers for a request; `None` if CORS is off.
    pub(in crate::server) fn of(access: &Access, request: &HeaderMap) -> Option<Self> {
        if !access.cors {
            return None;
        }
        let any = || HeaderValue::from_static("*");
        let listed = !access.origins.is_open();
        let origin = match listed {
            true => request.get(ORIGIN).filter(|origin| access.origins.lists(origin)).cloned(),
            false => Some(any()),
        };
        let asked = request.get(ACCESS_CONTROL_REQUEST_HEADERS).cloned();
        let vary = [listed.then_some(ORIGIN), asked.is_some().then_some(ACCESS_CONTROL_REQUEST_HEADERS)];
        Some(Self {
            origin,
            credentials: listed,
            headers: asked.unwrap_or_else(any),
            vary: vary.into_iter().flatten().collect(),
        })
    }

    pub(in crate::server) fn put(self, response: &mut Response) {
        let headers = response.headers_mut();
        for name in self.vary {
            headers.append(VARY, name.into());
        }
        let Some(origin) = self.origin else { return };
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        if self.credentials {
            headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        }
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(METHODS));
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, self.headers);
        headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("86400"));
    }
}
