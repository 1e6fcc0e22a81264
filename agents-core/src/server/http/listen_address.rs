//! The addresses that a host listens on.

use std::net::{IpAddr, SocketAddr};

use tokio::net::TcpListener;

use crate::error::{Error, Result};
use crate::support::single_line::SingleLine;

const USUAL_PORT: u16 = 8787;

/// An address to listen on, with the setting that it comes from.
#[derive(Debug)]
pub(in crate::server) struct ListenAddress<'a> {
    pub(in crate::server) text: &'a str,
    /// The setting, as a user writes it; empty for an argument of a function.
    pub(in crate::server) setting: &'static str,
}

impl ListenAddress<'_> {
    /// Listens on the address, and returns the listener with its address, which has the port.
    pub(in crate::server) async fn listen(&self) -> Result<(TcpListener, SocketAddr)> {
        if !has_form(self.text) {
            let example = example(self.text);
            return Err(self.error(&format!(
                "an address is a host and a port up to 65535, for example `{}`",
                SingleLine(example)
            )));
        }
        let listener = match TcpListener::bind(self.text).await {
            Ok(listener) => listener.local_addr().map(|address| (listener, address)),
            Err(error) => Err(error),
        };
        listener.map_err(|error| match error.kind() {
            std::io::ErrorKind::AddrInUse => {
                self.error("another program listens there; choose another port, or 0 for a free one")
            }
            std::io::ErrorKind::PermissionDenied => {
                self.error(&format!("{error}; ports below 1024 may need a right of the system"))
            }
            _ => self.error(&error.to_string()),
        })
    }

    fn error(&self, why: &str) -> Error {
        let text = SingleLine(self.text);
        let message = match self.setting {
            "" => format!("cannot listen on `{text}`: {why}"),
            setting => format!("cannot listen on `{text}` ({setting}): {why}"),
        };
        Error::new("bind", message)
    }
}

/// Returns whether an address consists of a host and a port.
fn has_form(address: &str) -> bool {
    address.parse::<SocketAddr>().is_ok()
        || address
            .rsplit_once(':')
            .is_some_and(|(host, port)| is_host_name(host) && port.parse::<u16>().is_ok())
}

fn is_host_name(host: &str) -> bool {
    !host.is_empty() && host.chars().all(|c| c.is_alphanumeric() || "-._".contains(c))
}

/// Returns the address that was probably meant, in the right form.
fn example(address: &str) -> String {
    let address = address.trim();
    let plain = address.split_once("://").map_or(address, |(_, rest)| rest).trim_end_matches('/');
    if has_form(plain) {
        return plain.to_owned();
    }
    if let Ok(host) = plain.trim_matches(['[', ']']).parse::<IpAddr>() {
        return SocketAddr::new(host, USUAL_PORT).to_string();
    }
    if let Ok(port) = plain.trim_start_matches(['*', ':']).parse::<u16>() {
        return format!("127.0.0.1:{port}");
    }
    match plain.parse::<u64>().is_err() && is_host_name(plain) {
        true => format!("{plain}:{USUAL_PORT}"),
        false => format!("127.0.0.1:{USUAL_PORT}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn refused(text: &str, setting: &'static str) -> String {
        format!("{:?}", ListenAddress { text, setting }.listen().await.unwrap_err())
    }

    #[tokio::test]
    async fn an_address_of_another_form_shows_the_right_one() {
        for (text, example) in [
            ("8791", "127.0.0.1:8791"),
            (":8791", "127.0.0.1:8791"),
            ("*:8791", "127.0.0.1:8791"),
            ("http://0.0.0.0:80/", "0.0.0.0:80"),
            ("localhost", "localhost:8787"),
            ("127.0.0.1", "127.0.0.1:8787"),
            ("::1", "[::1]:8787"),
            ("[::1]", "[::1]:8787"),
            ("87910", "127.0.0.1:8787"),
            ("127.0.0.1:87910", "127.0.0.1:8787"),
            ("no address", "127.0.0.1:8787"),
            ("", "127.0.0.1:8787"),
        ] {
            assert_eq!(
                refused(text, "`--addr` or `AGENTS_ADDR`").await,
                format!(
                    "cannot listen on `{text}` (`--addr` or `AGENTS_ADDR`): an address is a host and a port up to \
                     65535, for example `{example}` (bind)"
                )
            );
        }
        assert_eq!(
            refused("8791", "").await,
            "cannot listen on `8791`: an address is a host and a port up to 65535, for example `127.0.0.1:8791` (bind)"
        );
    }

    #[tokio::test]
    async fn an_address_that_is_taken_has_its_reason() {
        let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = taken.local_addr().unwrap().to_string();
        assert_eq!(
            refused(&address, "").await,
            format!(
                "cannot listen on `{address}`: another program listens there; choose another port, or 0 for a free \
                 one (bind)"
            )
        );
        assert!(ListenAddress { text: "127.0.0.1:0", setting: "" }.listen().await.is_ok());
        assert!(ListenAddress { text: "localhost:0", setting: "" }.listen().await.is_ok());
    }
}
