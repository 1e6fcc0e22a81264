//! The proxies that are trusted to state the address of a client.

use std::net::{IpAddr, SocketAddr};

use http::HeaderMap;
use ipnet::IpNet;

use crate::error::{Error, Result};

/// The proxies that are trusted to state the address of a client.
#[derive(Debug, Default)]
pub(in crate::server) struct Proxies(Vec<IpNet>);

impl Proxies {
    /// Parses addresses and networks, such as `10.0.0.1` or `10.0.0.0/8`.
    pub(in crate::server) fn parse(list: &[String]) -> Result<Self> {
        let parse = |text: &String| {
            let net = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
            net.map_err(|_| {
                Error::new("trusted_proxies", format!("`{text}` is neither an address nor a network"))
            })
        };
        list.iter().map(parse).collect::<Result<_>>().map(Self)
    }

    fn trust(&self, address: IpAddr) -> bool {
        self.0.iter().any(|net| net.contains(&address))
    }

    /// Returns the address of the client: the address that trusted proxies state, or the address of the peer.
    ///
    /// Each proxy appends the address of its own peer, so the list is read from its end, up to the first
    /// address that is not a trusted proxy. Any client can have written the entries before that one.
    pub(in crate::server) fn client(&self, peer: Option<SocketAddr>, headers: &HeaderMap) -> Option<IpAddr> {
        let mut client = peer?.ip().to_canonical();
        let forwarded = headers.get_all("x-forwarded-for").iter().rev();
        let forwarded = forwarded.flat_map(|value| value.to_str().unwrap_or("?").rsplit(','));
        for text in forwarded {
            if !self.trust(client) {
                break;
            }
            // If a proxy writes another text, this proxy is the last known address.
            let Some(next) = address(text.trim()) else { break };
            client = next;
        }
        Some(client)
    }
}

/// Parses an address, which some proxies write with a port.
fn address(text: &str) -> Option<IpAddr> {
    let plain = text.parse().or_else(|_| text.parse::<SocketAddr>().map(|address| address.ip()));
    let bare = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    plain.ok().or_else(bare).map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: &str, forwarded: &[&str]) -> String {
        let proxies = Proxies::parse(&["10.0.0.0/8".into(), "fd00::/8".into(), "192.0.2.7".into()]).unwrap();
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", value.parse().unwrap());
        }
        let client = proxies.client(Some(peer.parse().unwrap()), &headers);
        client.unwrap().to_string()
    }

    #[test]
    fn only_the_word_of_trusted_proxies_counts() {
        for (peer, forwarded, expected) in [
            ("203.0.113.5:1", &["1.1.1.1"][..], "203.0.113.5"),
            ("10.1.1.1:1", &[], "10.1.1.1"),
            ("10.1.1.1:1", &["1.1.1.1"], "1.1.1.1"),
            ("10.1.1.1:1", &["6.6.6.6, 1.1.1.1"], "1.1.1.1"),
            ("10.1.1.1:1", &["6.6.6.6, 1.1.1.1, 10.2.2.2 , 192.0.2.7"], "1.1.1.1"),
            ("10.1.1.1:1", &["6.6.6.6, 1.1.1.1", "10.2.2.2"], "1.1.1.1"),
            ("10.1.1.1:1", &["10.3.3.3, 10.2.2.2"], "10.3.3.3"),
            ("10.1.1.1:1", &["1.1.1.1:4711"], "1.1.1.1"),
            ("[fd00::1]:1", &["[2001:db8::1]:4711"], "2001:db8::1"),
            ("[fd00::1]:1", &["[2001:db8::1]"], "2001:db8::1"),
            ("[::ffff:10.1.1.1]:1", &["::ffff:1.1.1.1"], "1.1.1.1"),
            ("10.1.1.1:1", &["1.1.1.1, unknown"], "10.1.1.1"),
            ("10.1.1.1:1", &["1.1.1.1, nonsense, 10.2.2.2"], "10.2.2.2"),
            ("10.1.1.1:1", &[""], "10.1.1.1"),
        ] {
            assert_eq!(client(peer, forwarded), expected, "{peer} {forwarded:?}");
        }
    }

    #[test]
    fn nonsense_is_no_proxy() {
        let error = Proxies::parse(&["10.0.0.0/33".into()]).unwrap_err();
        assert_eq!(error.code(), "trusted_proxies");
        assert_eq!(Proxies::default().client(None, &HeaderMap::new()), None);
    }
}
