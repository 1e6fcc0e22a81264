//! The places in a request where a token is searched for.

use std::borrow::Cow;

use crate::agent::{ConnectRequest, Refusal};

/// The places in a request where a token is searched for.
#[derive(Clone, Debug)]
pub(super) struct TokenSource {
    pub(super) query: Option<String>,
    pub(super) cookie: Option<String>,
}

impl Default for TokenSource {
    fn default() -> Self {
        Self { query: Some("token".to_owned()), cookie: None }
    }
}

impl TokenSource {
    /// Finds the token: first one that the client itself set, and last a cookie.
    pub(super) fn find<'a>(&self, request: &'a ConnectRequest) -> Result<Option<Cow<'a, str>>, Refusal> {
        let query = || self.query.as_deref().and_then(|name| request.query(name));
        let explicit = bearer(request).map(Cow::Borrowed).or_else(query);
        if let Some(token) = explicit.filter(|token| !token.is_empty()) {
            return Ok(Some(token));
        }
        let cookie = self.cookie.as_deref().and_then(|name| request.cookie(name));
        match cookie.filter(|token| !token.is_empty()) {
            // A browser sends a cookie with the requests of any page.
            Some(_) if !request.is_same_site() => {
                Err(Refusal::forbidden("a cookie is not accepted from a foreign page"))
            }
            token => Ok(token.map(Cow::Borrowed)),
        }
    }
}

/// Returns the token of an `Authorization` header of the kind `Bearer`.
fn bearer(request: &ConnectRequest) -> Option<&str> {
    let (kind, token) = request.header("authorization")?.trim().split_once(' ')?;
    kind.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
