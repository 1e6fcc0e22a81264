//! The rules of the WebSocket handshake.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE};
use http::{HeaderMap, HeaderName, Method, StatusCode, Version, request};
use tungstenite::handshake::derive_accept_key;

/// Returns whether a request asks for a WebSocket, with a valid handshake or not.
pub(crate) fn wants_upgrade(headers: &HeaderMap) -> bool {
    has_token(headers, &UPGRADE, "websocket")
}

fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|part| part.trim().eq_ignore_ascii_case(token))
}

/// Returns whether a key is 16 bytes in Base64.
fn is_key(key: &[u8]) -> bool {
    let symbol = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/".contains(byte);
    key.len() == 24 && key.strip_suffix(b"==").is_some_and(|symbols| symbols.iter().all(symbol))
}

/// A handshake that can be answered with 101.
#[derive(Debug)]
pub(crate) struct Upgrade {
    accept: String,
}

impl Upgrade {
    /// Checks a handshake: GET of HTTP/1.1 and a key of 16 bytes, else 400; version 13, else 426.
    pub(crate) fn check(head: &request::Parts) -> Result<Self, Box<Response>> {
        let refuse = |status: StatusCode, text: &'static str| Err(Box::new((status, text).into_response()));
        if head.method != Method::GET {
            return refuse(StatusCode::BAD_REQUEST, "a WebSocket handshake is a GET request");
        }
        if head.version < Version::HTTP_11 {
            return refuse(StatusCode::BAD_REQUEST, "a WebSocket handshake requires HTTP/1.1");
        }
        let version = head.headers.get(SEC_WEBSOCKET_VERSION).map(|value| value.as_bytes());
        if version != Some(b"13") {
            let text = "only WebSocket version 13 is supported";
            let response = (StatusCode::UPGRADE_REQUIRED, [(SEC_WEBSOCKET_VERSION, "13")], text);
            return Err(Box::new(response.into_response()));
        }
        let mut keys = head.headers.get_all(SEC_WEBSOCKET_KEY).iter();
        let (Some(key), None) = (keys.next().filter(|key| is_key(key.as_bytes())), keys.next()) else {
            return refuse(
                StatusCode::BAD_REQUEST,
                "a WebSocket handshake has one key, of 16 bytes in Base64",
            );
        };
        if !has_token(&head.headers, &CONNECTION, "upgrade") {
            return refuse(StatusCode::BAD_REQUEST, "a WebSocket handshake needs `Connection: Upgrade`");
        }
        Ok(Self { accept: derive_accept_key(key.as_bytes()) })
    }

    /// Returns the response that switches protocols.
    pub(crate) fn response(&self) -> Response {
        let headers = [(UPGRADE, "websocket"), (CONNECTION, "Upgrade"), (SEC_WEBSOCKET_ACCEPT, &self.accept)];
        (StatusCode::SWITCHING_PROTOCOLS, headers, Body::empty()).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(method: Method, headers: &[(&str, &str)]) -> StatusCode {
        let mut request = http::Request::builder().method(method).uri("/agents/a/b");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (head, ()) = request.body(()).unwrap().into_parts();
        assert!(wants_upgrade(&head.headers));
        match Upgrade::check(&head) {
            Ok(upgrade) => upgrade.response().status(),
            Err(response) => response.status(),
        }
    }

    #[test]
    fn handshakes_are_checked() {
        let upgrade = ("upgrade", "WebSocket");
        let connection = ("connection", "keep-alive, Upgrade");
        let key = ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
        let version = ("sec-websocket-version", "13");
        assert_eq!(status(Method::GET, &[upgrade, connection, key, version]), 101);
        assert_eq!(status(Method::POST, &[upgrade, connection, key, version]), 400);
        assert_eq!(status(Method::GET, &[upgrade, connection, version]), 400);
        assert_eq!(status(Method::GET, &[upgrade, key, version]), 400);
        for bad in [
            "",
            "x",
            "dGhlIHNhbXBsZSBub25j",
            "dGhlIHNhbXBsZSBub25jZS4=",
            "dGhlIHNhbXBsZSBub25jZQ=a",
            "dGhlIHNhbXBsZSBub-5jZQ==",
        ] {
            let bad = ("sec-websocket-key", bad);
            assert_eq!(status(Method::GET, &[upgrade, connection, bad, version]), 400, "{bad:?}");
        }
        assert_eq!(status(Method::GET, &[upgrade, connection, key, key, version]), 400);
        assert_eq!(status(Method::GET, &[upgrade, connection, key, ("sec-websocket-version", "12")]), 426);
    }
}
