//! The address of an agent.

use agents_protocol::wire::name::{InvalidName, canonical, kebab_case};
use http::Uri;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use crate::ClientError;

/// The maximum length of an instance's name that servers accept, in bytes.
const NAME_LIMIT: usize = 1024;

/// The characters that browsers escape in a path segment, and those that would end the segment. A percent
/// sign is not escaped, so a name that is already escaped leads to the same instance.
const SEGMENT: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'/')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'}')
    .add(b'\\');

/// The characters that have a meaning in a query, and those that browsers escape there.
const QUERY: &AsciiSet = &SEGMENT.add(b'%').add(b'&').add(b'+').add(b'=').add(b'\'');

/// The agent to connect to, or the path where the server selects it.
#[derive(Debug, Clone)]
pub(crate) enum AgentPath {
    Agent { class: String, name: String },
    Path(String),
}

/// Returns the address up to the query, with a WebSocket scheme.
pub(crate) fn base(url: &str, path: &AgentPath) -> Result<String, ClientError> {
    let bad = |why: String| ClientError::Address(why);
    let uri: Uri = url.parse().map_err(|error| bad(format!("{url}: {error}")))?;
    let scheme = match uri.scheme_str() {
        Some("ws" | "http") => "ws",
        Some("wss" | "https") if cfg!(feature = "tls") => "wss",
        Some("wss" | "https") => {
            return Err(bad(format!("{url}: this scheme needs the feature `tls` of agents-client")));
        }
        _ => {
            return Err(bad(format!("{url}: the scheme must be ws, wss, http or https")));
        }
    };
    let authority = uri.authority().ok_or_else(|| bad(format!("{url}: the host is missing")))?;
    if uri.query().is_some() {
        return Err(bad(format!("{url}: add the query with `query` instead of the URL")));
    }
    let prefix = uri.path().trim_end_matches('/');
    let path = match path {
        AgentPath::Path(path) => escape_path(path),
        AgentPath::Agent { class, name } => {
            let class = kebab_case(class);
            if class.is_empty() || class.contains('/') {
                return Err(bad(format!("`{class}` is not the name of a class")));
            }
            let name = canonical(name)
                .map_err(|InvalidName| bad(format!("`{name}` is not the name of an agent")))?;
            if name.len() > NAME_LIMIT {
                return Err(bad(format!("a name must not exceed {NAME_LIMIT} bytes")));
            }
            format!("agents/{}/{name}", utf8_percent_encode(&class, SEGMENT))
        }
    };
    Ok(format!("{scheme}://{authority}{prefix}/{path}"))
}

fn escape_path(path: &str) -> String {
    path.split('/')
        .filter(|segment| !segment.is_empty())
        .map(|segment| utf8_percent_encode(segment, SEGMENT).to_string())
        .collect::<Vec<_>>()
        .join("/")
}

/// Adds a query to the address of [`base`].
pub(crate) fn with_query<'a>(base: &str, pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut out = base.to_owned();
    let mut mark = '?';
    for (key, value) in pairs {
        out.push(mark);
        out.extend(utf8_percent_encode(key, QUERY));
        out.push('=');
        out.extend(utf8_percent_encode(value, QUERY));
        mark = '&';
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agent(url: &str, class: &str, name: &str) -> Result<String, ClientError> {
        let path = AgentPath::Agent { class: class.to_owned(), name: name.to_owned() };
        base(url, &path)
    }

    #[test]
    fn addresses_are_those_of_the_npm_client() {
        for (url, class, name, expected) in [
            ("http://h:1", "ChatRoom", "lobby", "ws://h:1/agents/chat-room/lobby"),
            ("ws://h:1/", "chat-room", "lobby", "ws://h:1/agents/chat-room/lobby"),
            ("ws://h/app/", "LOUD_CASE", "a b", "ws://h/app/agents/loud-case/a%20b"),
            ("ws://h", "C", "50%25", "ws://h/agents/c/50%25"),
            ("ws://h", "C", "ä?#/", "ws://h/agents/c/%C3%A4%3F%23%2F"),
            ("ws://h", "C", "%c3%a4 100%", "ws://h/agents/c/%C3%A4%20100%25"),
        ] {
            assert_eq!(agent(url, class, name).unwrap(), expected);
        }
    }

    #[test]
    fn a_path_of_ones_own_replaces_class_and_name() {
        let path = AgentPath::Path("/api//my session".to_owned());
        assert_eq!(base("ws://h", &path).unwrap(), "ws://h/api/my%20session");
    }

    #[test]
    fn addresses_that_lead_nowhere_are_refused() {
        let long = "x".repeat(1025);
        for (url, class, name) in [
            ("h:1", "C", "n"),
            ("ftp://h", "C", "n"),
            ("/agents", "C", "n"),
            ("ws://h?x=1", "C", "n"),
            ("ws://h", "", "n"),
            ("ws://h", "C", ""),
            ("ws://h", "C", ".."),
            ("ws://h", "C", "%2e%2E"),
            ("ws://h", "C", "%FF"),
            ("ws://h", "C", &long),
        ] {
            let error = agent(url, class, name).unwrap_err();
            assert_eq!(error.code(), "address", "{url} {class}");
        }
    }

    #[cfg(not(feature = "tls"))]
    #[test]
    fn tls_needs_its_feature() {
        let error = agent("wss://h", "C", "n").unwrap_err();
        assert!(error.to_string().contains("feature `tls`"), "{error}");
    }

    #[cfg(feature = "tls")]
    #[test]
    fn https_becomes_wss() {
        assert_eq!(agent("https://h", "C", "n").unwrap(), "wss://h/agents/c/n");
    }

    #[test]
    fn queries_are_escaped() {
        assert_eq!(
            with_query("ws://h/p", [("_pk", "x"), ("a b", "1&2=3+%ü")]),
            "ws://h/p?_pk=x&a%20b=1%262%3D3%2B%25%C3%BC"
        );
        assert_eq!(with_query("ws://h/p", []), "ws://h/p");
    }
}
