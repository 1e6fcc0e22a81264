//! The request that opens a connection, or an HTTP request.

use std::borrow::Cow;
use std::convert::Infallible;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, FromRequestParts};
use http::header::{COOKIE, ORIGIN};
use http::{Extensions, HeaderMap, Method, request};
use serde::de::DeserializeOwned;

use crate::error::{Error, Result};
use crate::gateway::{Head, RequestOrigin, asked_host, is_own_page};
use crate::object::{ClientIp, RequestBody, http_request};

/// The head of a request: address, headers, cookies, and the facts that the host found out about its sender.
///
/// Hooks that run while a client connects take `&ConnectRequest`. `on_request` and routes of your own take a
/// `ConnectRequest` as an argument, so that one function can check both kinds:
///
/// ```
/// use agents_core::axum::{Router, routing::get};
/// use agents_core::{ConnectRequest, Refusal};
///
/// fn room_key(request: &ConnectRequest) -> Result<String, Refusal> {
///     let key = request.query("key").ok_or_else(|| Refusal::unauthorized("a key is required"))?;
///     Ok(key.into_owned())
/// }
///
/// let route = async |request: ConnectRequest| room_key(&request);
/// let routes: Router = Router::new().route("/door", get(route));
///
/// let request = http::Request::get("/agents/room/lobby?key=42").body(()).unwrap();
/// assert_eq!(room_key(&ConnectRequest::from(&request)).unwrap(), "42");
/// ```
///
/// Its `Debug` form leaves out the query and the headers' values: they may hold secrets.
#[derive(Clone)]
pub struct ConnectRequest {
    head: Arc<request::Parts>,
}

impl ConnectRequest {
    pub(crate) fn new(head: request::Parts) -> Self {
        Self { head: Arc::new(head) }
    }

    /// Returns the request as an object would see it, with what the middleware of the program has put into it.
    pub(crate) fn of(head: &Head, mut extensions: Extensions) -> Result<Self> {
        let mut head = http_request(head.clone(), RequestBody::default())?.into_parts().0;
        // The facts of the host replace those of the program.
        extensions.extend(head.extensions);
        head.extensions = extensions;
        Ok(Self::new(head))
    }

    /// Returns the method; the method of a handshake is GET.
    pub fn method(&self) -> &Method {
        &self.head.method
    }

    /// Returns path and query as the client sent them.
    pub fn uri(&self) -> &str {
        self.head.uri.path_and_query().map_or("/", |uri| uri.as_str())
    }

    /// Returns the path without the query.
    pub fn path(&self) -> &str {
        self.head.uri.path()
    }

    /// Returns the first value of a query parameter, decoded.
    pub fn query(&self, name: &str) -> Option<Cow<'_, str>> {
        query_value(self.uri(), name)
    }

    /// Returns a header; `None` if the header is missing or is not text.
    pub fn header(&self, name: &str) -> Option<&str> {
        std::str::from_utf8(self.head.headers.get(name)?.as_bytes()).ok()
    }

    /// Returns all headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.head.headers
    }

    /// Returns a cookie as it was sent.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        let cookies = self.head.headers.get_all(COOKIE).into_iter();
        cookies
            .filter_map(|value| std::str::from_utf8(value.as_bytes()).ok())
            .flat_map(|value| value.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .find_map(|(key, value)| (key == name).then(|| value.trim_matches('"')))
    }

    /// Returns a value that middleware put into the request.
    ///
    /// [`Agents::authorize`](crate::Agents::authorize), [`Agents::route_to`](crate::Agents::route_to) and
    /// routes of your own see the values of layers around [`Host::router`](crate::Host::router). They do not
    /// travel to agents: pass them on as [identity](crate::Admission::identity).
    pub fn extension<T: Send + Sync + 'static>(&self) -> Option<&T> {
        self.head.extensions.get()
    }

    /// Extracts a value as a handler of axum does: `Query<T>`, `TypedHeader<T>`, an extractor of your own.
    ///
    /// ```
    /// use agents_core::axum::extract::Query;
    /// use agents_core::serde::Deserialize;
    /// use agents_core::{ConnectRequest, Refusal};
    ///
    /// #[derive(Deserialize)]
    /// # #[serde(crate = "agents_core::serde")]
    /// struct Options {
    ///     page: u32,
    /// }
    ///
    /// async fn page(request: &ConnectRequest) -> Result<u32, Refusal> {
    ///     let Query(options) = request.extract::<Query<Options>>().await?;
    ///     Ok(options.page)
    /// }
    /// ```
    ///
    /// # Errors
    /// The rejection of the extractor.
    pub async fn extract<T: FromRequestParts<()>>(&self) -> Result<T, T::Rejection> {
        T::from_request_parts(&mut request::Parts::clone(&self.head), &()).await
    }

    /// Returns the address of the peer; behind a proxy this is the address of the proxy.
    pub fn peer(&self) -> Option<SocketAddr> {
        self.head.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0)
    }

    /// Returns the address of the client: the address that a [trusted proxy](crate::Agents::trusted_proxies)
    /// forwards, or else the address of the peer. `None` without a network.
    pub fn client_ip(&self) -> Option<IpAddr> {
        self.head.extensions.get::<ClientIp>().map(|client| client.0)
    }

    /// Returns whether a page of a foreign site cannot have made this request. That is so if the request
    /// comes from no page, from a page of this host, or from one of the [allowed
    /// origins](crate::Agents::origins).
    ///
    /// Browsers send cookies with every request that a page makes, so trust a cookie only if this is true. In
    /// a request that did not pass the host, for example in a route beside [`Host::router`](crate::Host::router),
    /// the allowed origins are not known, and only pages of the same host count.
    pub fn is_same_site(&self) -> bool {
        match self.head.extensions.get::<RequestOrigin>() {
            Some(origin) => origin.same_site,
            None => is_own_page(&self.head.headers),
        }
    }

    /// Returns whether the request names a host that is always this machine, and does not come from a page over
    /// TLS. Such a page reached a proxy that changes the header `Host`.
    pub(crate) fn is_local(&self) -> bool {
        let host = asked_host(&self.head.headers);
        let local = |host: String| match host.parse::<IpAddr>() {
            Ok(address) => address.to_canonical().is_loopback(),
            Err(_) => host == "localhost" || host.ends_with(".localhost"),
        };
        host.is_some_and(local)
            && !self.header(ORIGIN.as_str()).is_some_and(|page| page.starts_with("https:"))
    }

    /// Returns whether a page that was loaded without TLS sent this request.
    pub(crate) fn is_plain_page(&self) -> bool {
        self.header(ORIGIN.as_str()).is_some_and(|page| page.starts_with("http:"))
    }

    /// Returns the identity that the host's hook gave to this request; see
    /// [`Admission::identity`](crate::Admission::identity).
    ///
    /// The identity lives as long as the request. To keep it for a connection, return it from `authorize`: it
    /// becomes the connection's state.
    ///
    /// # Errors
    /// When the hook gave no identity, or a value of another type. Clients see an error id.
    pub fn identity<T: DeserializeOwned>(&self) -> Result<T> {
        self.try_identity()?.ok_or_else(|| {
            Error::hidden("no_identity", "the host's `authorize` gave this request no identity")
        })
    }

    /// Returns the identity that the host's hook gave to this request; `None` if it gave none.
    ///
    /// # Errors
    /// `unreadable_identity` when the hook gave a value of another type.
    pub fn try_identity<T: DeserializeOwned>(&self) -> Result<Option<T>> {
        let origin = self.head.extensions.get::<RequestOrigin>();
        match origin.and_then(|origin| origin.identity.as_deref()) {
            Some(json) => {
                let read = serde_json::from_str(json);
                Ok(Some(read.map_err(|error| Error::hidden("unreadable_identity", error))?))
            }
            None => Ok(None),
        }
    }
}

impl<B> From<&http::Request<B>> for ConnectRequest {
    fn from(request: &http::Request<B>) -> Self {
        let (mut head, ()) = http::Request::new(()).into_parts();
        head.method = request.method().clone();
        head.uri = request.uri().clone();
        head.version = request.version();
        head.headers = request.headers().clone();
        head.extensions = request.extensions().clone();
        Self::new(head)
    }
}

impl From<&request::Parts> for ConnectRequest {
    fn from(head: &request::Parts) -> Self {
        Self::new(head.clone())
    }
}

/// The argument of routes of the program, and of `on_request`.
impl<S: Sync> FromRequestParts<S> for ConnectRequest {
    type Rejection = Infallible;

    async fn from_request_parts(head: &mut request::Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::new(head.clone()))
    }
}

impl fmt::Debug for ConnectRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers: Vec<_> = self.head.headers.keys().collect();
        f.debug_struct("ConnectRequest")
            .field("method", self.method())
            .field("path", &self.path())
            .field("headers", &headers)
            .finish_non_exhaustive()
    }
}

/// Returns the first value of a query parameter of a URI.
pub(crate) fn query_value<'a>(uri: &'a str, name: &str) -> Option<Cow<'a, str>> {
    let query = uri.split_once('?')?.1;
    query.split('&').find_map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decode(key) == name).then(|| decode(value))
    })
}

fn decode(text: &str) -> Cow<'_, str> {
    if !text.contains(['%', '+']) {
        return Cow::Borrowed(text);
    }
    let spaced = text.replace('+', " ");
    Cow::Owned(percent_encoding::percent_decode_str(&spaced).decode_utf8_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(uri: &str, headers: &[(&str, &str)]) -> ConnectRequest {
        let mut request = http::Request::get(uri);
        for (name, value) in headers {
            request = request.header(*name, value.as_bytes());
        }
        ConnectRequest::new(request.body(()).unwrap().into_parts().0)
    }

    #[test]
    fn query_headers_and_cookies_are_read() {
        // S8, S20
        let request = request(
            "/agents/a/b?token=x%2Fy&name=Ada+L%C3%B6we&empty&token=second",
            &[("Cookie", "a=1; session=\"s p\""), ("X-Test", "yes"), ("cookie", "b=2")],
        );
        assert_eq!(request.query("token").as_deref(), Some("x/y"));
        assert_eq!(request.query("name").as_deref(), Some("Ada Löwe"));
        assert_eq!(request.query("empty").as_deref(), Some(""));
        assert_eq!(request.query("missing"), None);
        assert_eq!(request.header("x-test"), Some("yes"));
        assert_eq!(request.cookie("session"), Some("s p"));
        assert_eq!(request.cookie("b"), Some("2"));
        assert_eq!(request.path(), "/agents/a/b");
    }

    #[test]
    fn debug_shows_no_secrets() {
        let request = request("/agents/a/b?token=s3cret", &[("cookie", "session=s3cret")]);
        let text = format!("{request:?}");
        assert!(text.contains("/agents/a/b") && text.contains("cookie"), "{text}");
        assert!(!text.contains("s3cret"), "{text}");
    }

    #[test]
    fn a_request_of_elsewhere_has_no_identity() {
        let request =
            http::Request::get("/login").header("origin", "https://evil.example").body("x").unwrap();
        let request = ConnectRequest::from(&request);
        assert_eq!(request.try_identity::<String>().unwrap(), None);
        assert_eq!(request.identity::<String>().unwrap_err().client_message(), None);
        assert!(!request.is_same_site());
    }
}
