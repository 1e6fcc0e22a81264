//! The address of an agent in a path.

use std::borrow::Cow;

use crate::wire::name::{self, InvalidName};

/// An agent as a path names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Address<'a> {
    pub(crate) class: &'a str,
    /// The name as it appears in the path, in any spelling.
    pub(crate) name: &'a str,
}

/// Finds the agent in a path; `None` if the path does not belong to an agent.
pub(crate) fn parse(path: &str) -> Option<Address<'_>> {
    let mut segments = path.split('/').filter(|segment| !segment.is_empty());
    match (segments.next(), segments.next(), segments.next()) {
        (Some("agents"), Some(class), Some(name)) => Some(Address { class, name }),
        _ => None,
    }
}

/// The reason for the refusal of a name above the limit.
pub(crate) const TOO_LONG: &str = "Name too long";

/// Returns the canonical form of a name, or the reason why the name is refused.
pub(crate) fn canonical_name(name: &str, most: usize) -> Result<Cow<'_, str>, &'static str> {
    let name = name::canonical(name).map_err(|InvalidName| "Invalid name")?;
    if name.len() > most { Err(TOO_LONG) } else { Ok(name) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::name::escape;

    #[test]
    fn addresses_are_found() {
        let lobby = Some(Address { class: "chat-room", name: "lobby" });
        assert_eq!(parse("/agents/chat-room/lobby"), lobby);
        assert_eq!(parse("//agents///chat-room/lobby/"), lobby);
        assert_eq!(parse("/agents/chat-room/lobby/more/path"), lobby);
        assert_eq!(parse("/agents/chat-room/a%2Fb").map(|address| address.name), Some("a%2Fb"));
        for path in ["/", "/agents", "/agents/chat-room", "/agents/chat-room/", "/other/chat-room/lobby"] {
            assert_eq!(parse(path), None, "{path}");
        }
    }

    #[test]
    fn plain_names_become_segments_and_stay_different() {
        for (name, encoded) in [
            ("ada", "ada"),
            ("user:42@x", "user:42@x"),
            ("Ada Löwe", "Ada%20L%C3%B6we"),
            ("a/b", "a%2Fb"),
            ("a%2Fb", "a%252Fb"),
            ("a\\b?c#d", "a%5Cb%3Fc%23d"),
            ("\0", "%00"),
        ] {
            assert_eq!(escape(name), encoded);
            assert_eq!(parse(&format!("/agents/a/{encoded}")).map(|address| address.name), Some(encoded));
        }
    }

    #[test]
    fn names_are_checked() {
        assert!(canonical_name(&"x".repeat(1024), 1024).is_ok());
        assert_eq!(canonical_name(&"x".repeat(1025), 1024), Err("Name too long"));
        // The limit applies to the canonical form, not to the spelling.
        assert!(canonical_name(&"%61".repeat(1024), 1024).is_ok());
        assert_eq!(canonical_name(&"ü".repeat(171), 1024), Err("Name too long"));
        for name in ["", ".", "..", "%2e%2E", ".%2e", "%ff"] {
            assert_eq!(canonical_name(name, 1024), Err("Invalid name"), "{name}");
        }
        assert!(canonical_name("...", 1024).is_ok());
    }
}
