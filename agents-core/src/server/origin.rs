//! Which pages may reach agents.

use std::net::SocketAddr;

use http::header::ORIGIN;
use http::{HeaderMap, HeaderValue};

use crate::error::{Error, Result};
use crate::gateway::{is_own_origin, is_own_page};

/// The origins whose pages may reach agents; without a list every page may.
#[derive(Clone, Debug, Default)]
pub(super) struct Origins(Option<Vec<String>>);

impl Origins {
    pub(super) fn only(origins: impl IntoIterator<Item = String>) -> Self {
        Self(Some(origins.into_iter().map(|origin| plain(&origin)).collect()))
    }

    /// Whether every page may reach agents.
    pub(super) fn is_open(&self) -> bool {
        self.0.is_none()
    }

    /// Checks that all are origins; a typing error would keep everybody out.
    pub(super) fn check(&self) -> Result<()> {
        let wrong = self.0.iter().flatten().find(|origin| !is_origin(origin));
        match wrong {
            Some(origin) => {
                let message = format!("`{origin}` is not an origin, which looks like `https://app.example`");
                Err(Error::new("origin", message))
            }
            None => Ok(()),
        }
    }

    /// Tells whether a request may pass: it comes from no page, from a page of this server, or from
    /// one of the list.
    pub(super) fn allow(&self, headers: &HeaderMap) -> bool {
        match headers.get(ORIGIN) {
            Some(origin) if !self.is_open() => self.trusts(headers, origin),
            _ => true,
        }
    }

    /// Tells whether no page of a foreign site can have made a request. Here no list trusts nobody.
    pub(super) fn is_same_site(&self, headers: &HeaderMap) -> bool {
        match headers.get(ORIGIN) {
            Some(origin) => self.trusts(headers, origin),
            None => is_own_page(headers),
        }
    }

    /// Tells whether an origin is on the list.
    pub(super) fn lists(&self, origin: &HeaderValue) -> bool {
        let origin = origin.to_str().map(plain).unwrap_or_default();
        self.0.as_ref().is_some_and(|list| list.contains(&origin))
    }

    fn trusts(&self, headers: &HeaderMap, origin: &HeaderValue) -> bool {
        let own = origin.to_str().is_ok_and(|origin| is_own_origin(headers, origin));
        own || self.lists(origin)
    }

    /// Warns whoever serves other machines and lets every page in.
    pub(super) fn warn_if_open(&self, addr: SocketAddr) {
        if self.is_open() && !addr.ip().to_canonical().is_loopback() {
            tracing::warn!(
                %addr,
                "pages of any origin can reach the agents in the name of their visitors: \
                 name the origins of yours with `--origin` or `Agents::origins`"
            );
        }
    }
}

/// An origin as browsers write it.
fn plain(origin: &str) -> String {
    let origin = origin.trim().trim_end_matches('/').to_ascii_lowercase();
    let port = match origin.split_once("://") {
        Some(("https" | "wss", _)) => ":443",
        Some(("http" | "ws", _)) => ":80",
        _ => return origin,
    };
    origin.strip_suffix(port).unwrap_or(&origin).to_owned()
}

fn is_origin(origin: &str) -> bool {
    let Some((scheme, authority)) = origin.split_once("://") else { return false };
    let sound = |c: char| c.is_ascii_graphic() && !"/\\?#@*,\"'".contains(c);
    !scheme.is_empty()
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
        && !authority.is_empty()
        && authority.chars().all(sound)
}

#[cfg(test)]
mod tests {
    use http::header::HOST;

    use super::*;

    fn headers(origin: Option<&str>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, "agents.example:8787".parse().unwrap());
        if let Some(origin) = origin {
            headers.insert(ORIGIN, origin.parse().unwrap());
        }
        headers
    }

    #[test]
    fn foreign_pages_are_kept_out_when_there_is_a_list() {
        // S113
        let list = Origins::only(["https://App.example:443/".to_owned()]);
        assert!(list.allow(&headers(None)), "not a page");
        assert!(list.allow(&headers(Some("https://app.example"))));
        assert!(list.allow(&headers(Some("http://agents.example:8787"))), "our own page");
        for origin in ["https://evil.example", "null", "https://app.example.evil", "http://app.example"] {
            assert!(!list.allow(&headers(Some(origin))), "{origin}");
            assert!(!list.is_same_site(&headers(Some(origin))), "{origin}");
        }
        assert!(list.is_same_site(&headers(Some("https://app.example"))));
        let open = Origins::default();
        assert!(open.allow(&headers(Some("https://evil.example"))));
        assert!(!open.is_same_site(&headers(Some("https://evil.example"))), "its cookies are not trusted");
        assert!(open.is_same_site(&headers(Some("http://agents.example:8787"))));
        assert!(open.is_same_site(&headers(None)));
    }

    #[test]
    fn origins_are_checked() {
        let check = |origin: &str| Origins::only([origin.to_owned()]).check();
        for origin in
            ["https://app.example", "http://localhost:5173/", "tauri://localhost", "http://[::1]:80"]
        {
            assert!(check(origin).is_ok(), "{origin}");
        }
        for origin in ["app.example", "null", "*", "https://", "https://app.example/app", "https://*.example"]
        {
            assert_eq!(check(origin).unwrap_err().code(), "origin", "{origin}");
        }
    }
}
