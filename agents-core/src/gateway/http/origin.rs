//! The facts that the host knows about the sender of a request.

use std::sync::Arc;

use http::HeaderMap;
use http::header::{HOST, HeaderName, ORIGIN};
use http::uri::Authority;
use serde::{Deserialize, Serialize};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const SEC_FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");

/// The facts that the host knows about the sender of a request, for objects.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RequestOrigin {
    /// The identity as JSON, if the host's hook returned one.
    pub(crate) identity: Option<Arc<str>>,
    /// `true` if a page of a foreign site cannot have made the request.
    pub(crate) same_site: bool,
}

/// Returns whether a request comes from outside of a web page, or from a page of this server.
///
/// A page may send a GET without an `Origin`, for example for an image; the browser then sends the kind of the
/// site. A link from a foreign page to a document is allowed, because following a link is not an attack.
pub(crate) fn is_own_page(headers: &HeaderMap) -> bool {
    let text = |name: HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    if let Some(origin) = text(ORIGIN) {
        return is_own_origin(headers, origin);
    }
    match text(SEC_FETCH_SITE) {
        None | Some("none" | "same-origin") => true,
        Some(_) => text(SEC_FETCH_DEST) == Some("document"),
    }
}

/// Returns whether the browser reports that a request comes from a page of the host that the request names.
pub(crate) fn is_from_same_origin(headers: &HeaderMap) -> bool {
    headers.get(SEC_FETCH_SITE).is_some_and(|site| site == "same-origin")
}

/// Returns the host that a request names, in small letters, without a port and without brackets.
pub(crate) fn asked_host(headers: &HeaderMap) -> Option<String> {
    let asked = Authority::try_from(headers.get(HOST)?.as_bytes()).ok()?;
    let name = asked.host().to_ascii_lowercase();
    let address = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).map(str::to_owned);
    Some(address.unwrap_or(name))
}

/// Returns whether an origin is the host that the request is sent to.
pub(crate) fn is_own_origin(headers: &HeaderMap, origin: &str) -> bool {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    // The scheme is not compared, because a proxy may have terminated TLS.
    let authority = origin.split_once("://").map(|(_, authority)| authority);
    authority.is_some_and(|authority| host.is_some_and(|host| host.eq_ignore_ascii_case(authority)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(headers: &[(HeaderName, &str)]) -> bool {
        let mut map = HeaderMap::new();
        map.insert(HOST, "agents.example".parse().unwrap());
        for (name, value) in headers {
            map.insert(name, value.parse().unwrap());
        }
        is_own_page(&map)
    }

    #[test]
    fn foreign_pages_are_recognised_with_and_without_an_origin() {
        // S113
        assert!(own(&[]), "without a browser");
        assert!(own(&[(ORIGIN, "https://agents.example")]));
        assert!(own(&[(SEC_FETCH_SITE, "same-origin")]));
        assert!(own(&[(SEC_FETCH_SITE, "none"), (SEC_FETCH_DEST, "document")]), "a typed address");
        assert!(own(&[(SEC_FETCH_SITE, "cross-site"), (SEC_FETCH_DEST, "document")]), "a link");
        for site in ["cross-site", "same-site"] {
            assert!(!own(&[(SEC_FETCH_SITE, site), (SEC_FETCH_DEST, "image")]), "{site}");
            assert!(!own(&[(SEC_FETCH_SITE, site), (SEC_FETCH_DEST, "iframe")]), "{site}");
            assert!(!own(&[(SEC_FETCH_SITE, site)]), "{site}");
        }
        for origin in ["https://evil.example", "null", "https://agents.example.evil", "agents.example"] {
            assert!(!own(&[(ORIGIN, origin)]), "{origin}");
        }
        assert!(!own(&[(ORIGIN, "https://evil.example"), (SEC_FETCH_SITE, "same-origin")]));
    }
}
