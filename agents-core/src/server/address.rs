//! The address of an agent in a path.

/// An agent as a path names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Address<'a> {
    pub(crate) class: &'a str,
    /// As it stands in the path: percent signs stay.
    pub(crate) name: &'a str,
}

/// Finds the agent in a path; `None` when the path is somebody else's.
pub(crate) fn parse(path: &str) -> Option<Address<'_>> {
    let mut segments = path.split('/').filter(|segment| !segment.is_empty());
    match (segments.next(), segments.next(), segments.next()) {
        (Some("agents"), Some(class), Some(name)) => Some(Address { class, name }),
        _ => None,
    }
}

/// Why a name is not taken.
pub(crate) fn check_name(name: &str, most: usize) -> Result<(), &'static str> {
    if name.len() > most {
        return Err("Name too long");
    }
    // A URL parser would have resolved these, so no client means them as a name.
    let plain = name.to_ascii_lowercase().replace("%2e", ".");
    if plain.is_empty() || plain == "." || plain == ".." {
        return Err("Invalid name");
    }
    Ok(())
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
        assert!(check_name(&"x".repeat(1024), 1024).is_ok());
        assert!(check_name(&"x".repeat(1025), 1024).is_err());
        for name in ["", ".", "..", "%2e%2E", ".%2e"] {
            assert!(check_name(name, 1024).is_err(), "{name}");
        }
        assert!(check_name("...", 1024).is_ok());
    }
}
