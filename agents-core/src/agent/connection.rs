//! A connection as handlers see it, and the request that opened it.

use std::borrow::Cow;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::ConnectInfo;
use http::header::COOKIE;
use http::request;

use crate::agent::flags::{NO_PROTOCOL, READONLY};
use crate::agent::{AgentCore, AgentTypes};
use crate::error::{Error, Result};
use crate::gateway::IntoMessage;
use crate::object::{ClientIp, WebSocket};
use crate::wire;

/// One client's connection to an agent. Cheap to clone; it lives as long as the client stays,
/// whether the agent sleeps or not.
pub struct Connection<A: AgentTypes> {
    pub(crate) core: Arc<AgentCore<A>>,
    pub(crate) socket: WebSocket,
}

impl<A: AgentTypes> Connection<A> {
    /// Returns the id. It is what the client asked for with `_pk`, which it keeps over reconnects,
    /// or a random one. Other clients may know it: it is a name, not a secret.
    pub fn id(&self) -> &str {
        self.socket.id()
    }

    /// Returns path and query of the request that opened the connection.
    pub fn uri(&self) -> Option<&str> {
        self.socket.uri()
    }

    /// Returns the name of the agent.
    pub fn server(&self) -> &str {
        self.core.object.name()
    }

    /// Returns the tags; the first one is the id.
    pub fn tags(&self) -> &[String] {
        self.socket.tags()
    }

    /// Returns what was stored for this connection.
    ///
    /// # Errors
    /// When nothing was stored yet; see [`try_state`](Self::try_state).
    pub fn state(&self) -> Result<A::Connection> {
        self.try_state()?
            .ok_or_else(|| Error::hidden("no_connection_state", "the connection has no state yet"))
    }

    /// Returns what was stored for this connection, `None` before anything was.
    ///
    /// # Errors
    /// When what is stored is of another type.
    pub fn try_state(&self) -> Result<Option<A::Connection>> {
        let kept = self.socket.entry.kept();
        match kept.attachment.user() {
            [] => Ok(None),
            json => Ok(Some(wire::from_json(std::str::from_utf8(json)?)?)),
        }
    }

    /// Stores a value for this connection, at most 16 KiB as JSON. It survives hibernation and
    /// goes with the connection.
    ///
    /// # Errors
    /// When it is too large, or outside of the agent's handlers.
    pub fn set_state(&self, state: A::Connection) -> Result<()> {
        self.socket.attach(wire::to_json(&state)?.as_bytes())
    }

    /// Changes what is stored for this connection.
    ///
    /// # Errors
    /// As [`state`](Self::state) and [`set_state`](Self::set_state).
    pub fn update_state(&self, update: impl FnOnce(&mut A::Connection)) -> Result<()> {
        let mut state = self.state()?;
        update(&mut state);
        self.set_state(state)
    }

    /// Sends text, bytes, or a value as JSON. It leaves once the writes before it are durable.
    ///
    /// To a connection that is gone nothing is sent, and that is no error.
    ///
    /// # Errors
    /// When the value has no JSON form, or outside of the agent's handlers.
    pub fn send(&self, message: impl IntoMessage) -> Result<()> {
        self.socket.send(message)
    }

    /// Closes the connection behind everything that was sent to it.
    ///
    /// The npm client takes 1008 and 4000-4999 as final and reconnects after any other code.
    ///
    /// # Errors
    /// When the code is not 1000-4999, or one of 1004, 1005, 1006 and 1015; or when the reason has
    /// more than 123 bytes.
    pub fn close(&self, code: u16, reason: impl Into<String>) -> Result<()> {
        self.socket.close(code, reason)
    }

    /// Closes the connection without a code; the client sees 1005.
    ///
    /// # Errors
    /// Outside of the agent's handlers.
    pub fn close_without_code(&self) -> Result<()> {
        self.socket.close_without_code()
    }

    /// Tells whether the connection may not change the agent's state.
    pub fn is_readonly(&self) -> bool {
        self.socket.flags().has(READONLY)
    }

    /// Forbids or allows the connection to change the agent's state.
    ///
    /// A callable that lets clients do this to themselves is a convenience and no protection.
    ///
    /// # Errors
    /// Outside of the agent's handlers.
    pub fn set_readonly(&self, readonly: bool) -> Result<()> {
        self.socket.set_flags(self.socket.flags().with(READONLY, readonly))
    }

    /// Tells whether the connection gets identity, state and MCP frames.
    pub fn is_protocol_enabled(&self) -> bool {
        !self.socket.flags().has(NO_PROTOCOL)
    }
}

impl<A: AgentTypes> Clone for Connection<A> {
    fn clone(&self) -> Self {
        Self { core: self.core.clone(), socket: self.socket.clone() }
    }
}

impl<A: AgentTypes> PartialEq for Connection<A> {
    fn eq(&self, other: &Self) -> bool {
        self.socket == other.socket
    }
}

impl<A: AgentTypes> Eq for Connection<A> {}

impl<A: AgentTypes> fmt::Debug for Connection<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("id", &self.id()).field("agent", self.core.object.key()).finish()
    }
}

/// The request that opens a connection: address, headers, cookies.
#[derive(Clone, Debug)]
pub struct ConnectRequest {
    head: Arc<request::Parts>,
}

impl ConnectRequest {
    pub(crate) fn new(head: request::Parts) -> Self {
        Self { head: Arc::new(head) }
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

    /// Returns a header; `None` when it is missing or not text.
    pub fn header(&self, name: &str) -> Option<&str> {
        std::str::from_utf8(self.head.headers.get(name)?.as_bytes()).ok()
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

    /// Returns the address of the peer; behind a proxy it is the proxy's.
    pub fn peer(&self) -> Option<SocketAddr> {
        self.head.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0)
    }

    /// Returns the address of the client: whom a [trusted proxy](crate::Agents::trusted_proxies) speaks
    /// for, or the peer. `None` without a network.
    pub fn client_ip(&self) -> Option<IpAddr> {
        self.head.extensions.get::<ClientIp>().map(|client| client.0)
    }
}

/// The first value of a query parameter of a URI.
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
}
