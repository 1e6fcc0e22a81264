//! Which pages may reach agents.

use http::HeaderMap;
use http::header::{HOST, ORIGIN};

/// The origins whose pages may reach agents; without a list every page may.
#[derive(Clone, Debug, Default)]
pub(super) struct Origins(Option<Vec<String>>);

impl Origins {
    pub(super) fn only(origins: impl IntoIterator<Item = String>) -> Self {
        let plain = |origin: String| origin.trim_end_matches('/').to_ascii_lowercase();
        Self(Some(origins.into_iter().map(plain).collect()))
    }

    /// Tells whether a request may pass: it comes from no page, from a page of this server, or from
    /// one of the list.
    pub(super) fn allow(&self, headers: &HeaderMap) -> bool {
        let (Some(list), Some(origin)) = (&self.0, headers.get(ORIGIN)) else {
            return true;
        };
        let Ok(origin) = origin.to_str().map(str::to_ascii_lowercase) else {
            return false;
        };
        let host = headers.get(HOST).and_then(|host| host.to_str().ok());
        let same = origin
            .split_once("://")
            .is_some_and(|(_, authority)| host.is_some_and(|host| host.eq_ignore_ascii_case(authority)));
        same || list.contains(&origin)
    }
}

#[cfg(test)]
mod tests {
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
        let list = Origins::only(["https://App.example/".to_owned()]);
        assert!(list.allow(&headers(None)), "not a page");
        assert!(list.allow(&headers(Some("https://app.example"))));
        assert!(list.allow(&headers(Some("http://agents.example:8787"))), "our own page");
        for origin in ["https://evil.example", "null", "https://app.example.evil", "http://app.example"] {
            assert!(!list.allow(&headers(Some(origin))), "{origin}");
        }
        assert!(Origins::default().allow(&headers(Some("https://evil.example"))));
    }
}
