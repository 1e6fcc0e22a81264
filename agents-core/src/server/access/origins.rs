//! The origins whose pages may reach agents.

use std::net::{IpAddr, SocketAddr};

use http::header::ORIGIN;
use http::{HeaderMap, HeaderValue};

use crate::error::{Error, Result};
use crate::gateway::{asked_host, is_from_same_origin, is_own_origin, is_own_page};

/// The origins whose pages may reach agents; without a list every page may.
#[derive(Clone, Debug, Default)]
pub(in crate::server) struct Origins(Option<Vec<String>>);

impl Origins {
    pub(in crate::server) fn only(origins: impl IntoIterator<Item = String>) -> Self {
        Self(Some(origins.into_iter().map(|origin| plain(&origin)).collect()))
    }

    /// Returns whether every page may reach agents.
    pub(in crate::server) fn is_open(&self) -> bool {
        self.0.is_none()
    }

    /// Checks that all entries are origins; a mistyped entry would refuse every page of its site.
    pub(in crate::server) fn check(&self) -> Result<()> {
        let wrong = self.0.iter().flatten().find(|origin| !is_origin(origin));
        match wrong {
            Some(origin) => {
                let message = format!("`{origin}` is not an origin, which looks like `https://app.example`");
                Err(Error::new("origin", message))
            }
            None => Ok(()),
        }
    }

    /// Returns whether a request may pass: it comes from no page, from a page of this server, or from
    /// a page of a listed origin.
    pub(in crate::server) fn allow(&self, headers: &HeaderMap) -> bool {
        match headers.get(ORIGIN) {
            _ if self.is_open() => true,
            Some(origin) => self.trusts(headers, origin),
            // A page of the host that the request names, as its browser states.
            None => !is_from_same_origin(headers) || self.is_own_host(headers),
        }
    }

    /// Returns whether a request comes from a page of this site, or from no page. Without a list no foreign origin
    /// is trusted here.
    pub(in crate::server) fn is_same_site(&self, headers: &HeaderMap) -> bool {
        match headers.get(ORIGIN) {
            Some(origin) => self.trusts(headers, origin),
            None => is_own_page(headers) && (!is_from_same_origin(headers) || self.is_own_host(headers)),
        }
    }

    /// Returns whether an origin is on the list.
    pub(in crate::server) fn lists(&self, origin: &HeaderValue) -> bool {
        let origin = origin.to_str().map(plain).unwrap_or_default();
        self.0.as_ref().is_some_and(|list| list.contains(&origin))
    }

    fn trusts(&self, headers: &HeaderMap, origin: &HeaderValue) -> bool {
        let own = || origin.to_str().is_ok_and(|origin| is_own_origin(headers, origin));
        self.lists(origin) || own() && self.is_own_host(headers)
    }

    /// Returns whether the host that a request names belongs to this server. Every domain can be made to
    /// resolve to this server, and its pages then name that domain in both `Origin` and `Host`. With a list,
    /// a name belongs to this server if the list has it. An address and `localhost` cannot be the domain of a
    /// third party.
    fn is_own_host(&self, headers: &HeaderMap) -> bool {
        let Some(list) = &self.0 else { return true };
        let Some(name) = asked_host(headers) else { return false };
        let local = name == "localhost" || name.ends_with(".localhost");
        local || name.parse::<IpAddr>().is_ok() || list.iter().any(|origin| host_of(origin) == Some(&*name))
    }

    /// Warns if the host serves other machines and accepts pages of any origin.
    pub(in crate::server) fn warn_if_open(&self, addr: SocketAddr) {
        if self.is_open() && !addr.ip().to_canonical().is_loopback() {
            tracing::warn!(
                %addr,
                "pages of any origin can reach the agents on behalf of their visitors: \
                 name your own origins with `--origin` or `Agents::origins`"
            );
        }
    }
}

/// Returns an origin in the form that browsers write.
fn plain(origin: &str) -> String {
    let origin = origin.trim().trim_end_matches('/').to_ascii_lowercase();
    let port = match origin.split_once("://") {
        Some(("https" | "wss", _)) => ":443",
        Some(("http" | "ws", _)) => ":80",
        _ => return origin,
    };
    origin.strip_suffix(port).unwrap_or(&origin).to_owned()
}

/// Returns the host in an origin, without a port.
fn host_of(origin: &str) -> Option<&str> {
    let (_, authority) = origin.split_once("://")?;
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|digit| digit.is_ascii_digit()) => Some(host),
        _ => Some(authority),
    }
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
        assert!(list.allow(&headers(None)), "the request is not from a page");
        assert!(list.allow(&headers(Some("https://app.example"))));
        for origin in ["https://evil.example", "null", "https://app.example.evil", "http://app.example"] {
            assert!(!list.allow(&headers(Some(origin))), "{origin}");
            assert!(!list.is_same_site(&headers(Some(origin))), "{origin}");
        }
        assert!(list.is_same_site(&headers(Some("https://app.example"))));
        let open = Origins::default();
        assert!(open.allow(&headers(Some("https://evil.example"))));
        assert!(!open.is_same_site(&headers(Some("https://evil.example"))), "not trusted with cookies");
        assert!(open.is_same_site(&headers(Some("http://agents.example:8787"))));
        assert!(open.is_same_site(&headers(None)));
    }

    #[test]
    fn with_a_list_own_hosts_are_known_hosts() {
        let list = Origins::only(["https://app.example".to_owned(), "http://dev.example:5173".to_owned()]);
        let asked = |host: &str, origin: Option<&str>, site: Option<&str>| {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, host.parse().unwrap());
            if let Some(origin) = origin {
                headers.insert(ORIGIN, origin.parse().unwrap());
            }
            if let Some(site) = site {
                headers.insert("sec-fetch-site", site.parse().unwrap());
            }
            headers
        };
        for host in [
            "app.example",
            "APP.example:8787",
            "dev.example",
            "127.0.0.1:8787",
            "[::1]:80",
            "localhost:1",
            "a.localhost",
        ] {
            for own in
                [asked(host, Some(&format!("http://{host}")), None), asked(host, None, Some("same-origin"))]
            {
                assert!(list.allow(&own) && list.is_same_site(&own), "{host}");
            }
        }
        // Each of these names resolves to this server, so to the browser its pages are of the same origin.
        for host in
            ["evil.example", "app.example.evil:80", "127.0.0.1.evil", "localhost.evil", "evil.example:8787"]
        {
            for foreign in
                [asked(host, Some(&format!("http://{host}")), None), asked(host, None, Some("same-origin"))]
            {
                assert!(!list.allow(&foreign) && !list.is_same_site(&foreign), "{host}");
                assert!(Origins::default().allow(&foreign), "without a list any page passes");
            }
            assert!(list.allow(&asked(host, None, None)), "not a browser: {host}");
            assert!(list.allow(&asked(host, None, Some("none"))), "address typed by the user: {host}");
        }
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
