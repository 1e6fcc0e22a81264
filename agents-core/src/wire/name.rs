//! How Rust names appear on the wire.

#[cfg(feature = "runtime")]
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

/// Returns the kebab-case form of a class name, as it stands in an address.
///
/// A name in capitals is lower-cased and its underscores become dashes. In any other name every
/// capital becomes a dash and its lower-case letter, underscores become dashes, and a dash at the
/// start or one at the end is dropped. This follows the npm client, which does the same to the
/// name it is given.
///
/// ```
/// use agents_core::wire::name::kebab_case;
///
/// assert_eq!(kebab_case("ChatRoom"), "chat-room");
/// assert_eq!(kebab_case("TestOAuthAgent"), "test-o-auth-agent");
/// assert_eq!(kebab_case("LOUD_CASE"), "loud-case");
/// assert_eq!(kebab_case("chat-room"), "chat-room");
/// ```
pub fn kebab_case(class: &str) -> String {
    let loud = class == class.to_uppercase() && class != class.to_lowercase();
    if loud {
        return class.to_lowercase().replace('_', "-");
    }
    let mut out = String::with_capacity(class.len() + 4);
    for letter in class.chars() {
        if letter.is_ascii_uppercase() {
            out.push('-');
            out.push(letter.to_ascii_lowercase());
        } else if letter == '_' {
            out.push('-');
        } else {
            out.push(letter);
        }
    }
    // A leading capital gave a dash of ours; a dash the user wrote first goes the same way.
    let out = out.strip_prefix('-').unwrap_or(&out);
    out.strip_suffix('-').unwrap_or(out).to_owned()
}

/// What a name in a path does not hold as it stands: what URL parsers escape in paths, what ends a
/// segment, and the sign of the escape itself, so that two names never look the same.
#[cfg(feature = "runtime")]
const ESCAPED: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'/')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'}');

/// The form of a plain name in an address.
#[cfg(feature = "runtime")]
pub(crate) fn escape(name: &str) -> String {
    utf8_percent_encode(name, ESCAPED).to_string()
}

/// The same of a name that may come from an address: percent signs stay, so that the name which an agent
/// has itself leads back to it.
#[cfg(feature = "runtime")]
pub(crate) fn escape_again(name: &str) -> String {
    const BUT_ESCAPES: &AsciiSet = &ESCAPED.remove(b'%');
    utf8_percent_encode(name, BUT_ESCAPES).to_string()
}

/// Returns the camel-case form of a Rust name, as methods and fields have on the wire.
///
/// ```
/// use agents_core::wire::name::camel_case;
///
/// assert_eq!(camel_case("get_stats"), "getStats");
/// assert_eq!(camel_case("post"), "post");
/// ```
pub fn camel_case(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut upper = false;
    for letter in name.chars() {
        if letter == '_' {
            upper = !out.is_empty();
        } else if upper {
            out.extend(letter.to_uppercase());
            upper = false;
        } else {
            out.push(letter);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kebab_case_follows_the_npm_client() {
        for (class, kebab) in [
            ("Counter", "counter"),
            ("ChatRoom", "chat-room"),
            ("TestOAuthAgent", "test-o-auth-agent"),
            ("LOUD", "loud"),
            ("LOUD_CASE", "loud-case"),
            ("snake_case", "snake-case"),
            ("Trailing_", "trailing"),
            ("already-kebab", "already-kebab"),
            ("V2Room", "v2-room"),
        ] {
            assert_eq!(kebab_case(class), kebab, "{class}");
        }
    }

    #[test]
    fn camel_case_keeps_digits_and_leading_underscores_out() {
        assert_eq!(camel_case("set_my_readonly"), "setMyReadonly");
        assert_eq!(camel_case("step_2_done"), "step2Done");
        assert_eq!(camel_case("_hidden"), "hidden");
    }
}
