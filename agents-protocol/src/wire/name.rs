//! The names of classes, agents, methods and fields on the wire.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};
use thiserror::Error;

pub use agents_case::{camel_case, kebab_case};

/// The characters that are escaped in a name in an address: those that URL parsers escape in paths, those
/// that end a segment, and the percent sign itself. So two names never look the same.
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

/// A text that does not name an agent: an empty text, `.` and `..`, which URL parsers resolve, or escapes
/// that are not UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("Invalid name")]
pub struct InvalidName;

/// Returns the canonical form of an agent's name, which is the same for all its spellings in addresses.
///
/// Escapes are decoded, and encoded again where an address needs them: `%` and two capital hexadecimal digits
/// for each byte of UTF-8. A percent sign that does not begin an escape stands for itself. So all spellings
/// that clients, browsers and proxies make of one name lead to one agent. The canonical form of a canonical
/// form is the form itself.
///
/// # Errors
/// Fails with [`InvalidName`] when the text does not name an agent.
///
/// ```
/// use agents_protocol::wire::name::canonical;
///
/// for spelling in ["Café 1", "Caf%c3%a9 1", "Caf%C3%A9%201", "%43af%C3%A9%201"] {
///     assert_eq!(canonical(spelling).unwrap(), "Caf%C3%A9%201");
/// }
/// assert_eq!(canonical("100%").unwrap(), "100%25");
/// assert!(canonical("..").is_err() && canonical("%2e%2E").is_err() && canonical("%FF").is_err());
/// ```
pub fn canonical(name: &str) -> Result<Cow<'_, str>, InvalidName> {
    let plain = percent_decode_str(name).decode_utf8().map_err(|_| InvalidName)?;
    match &*plain {
        "" | "." | ".." => Err(InvalidName),
        _ => Ok(match plain {
            Cow::Borrowed(plain) => utf8_percent_encode(plain, ESCAPED).into(),
            Cow::Owned(plain) => escape(&plain).into(),
        }),
    }
}

/// Returns the [`canonical`] form of a name that is plain text, in which a percent sign is a character.
///
/// Use it for names that people enter: such a name must not be read as the escaped name of another agent.
///
/// ```
/// use agents_protocol::wire::name::escape;
///
/// assert_eq!(escape("Café 1"), "Caf%C3%A9%201");
/// assert_eq!(escape("a%2Fb"), "a%252Fb");
/// ```
pub fn escape(name: &str) -> String {
    utf8_percent_encode(name, ESCAPED).to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn all_spellings_of_a_name_are_one() {
        for (spelling, form) in [
            ("lobby", "lobby"),
            ("%6cob%62y", "lobby"),
            ("ü", "%C3%BC"),
            ("%c3%bc", "%C3%BC"),
            ("%C3%bc", "%C3%BC"),
            ("a^b", "a%5Eb"),
            ("a%5eb", "a%5Eb"),
            ("a b", "a%20b"),
            ("a+b", "a+b"),
            ("a%2Bb", "a+b"),
            ("a%2fb", "a%2Fb"),
            ("user%3A42%40x", "user:42@x"),
            ("x:y@z,(w)!'*~|[]$&=;", "x:y@z,(w)!'*~|[]$&=;"),
            ("100%", "100%25"),
            ("100%25", "100%25"),
            ("%zz%4", "%25zz%254"),
            ("%2525", "%2525"),
            ("%%32%35", "%2525"),
            ("\0\n\u{7f}", "%00%0A%7F"),
            ("...", "..."),
        ] {
            assert_eq!(canonical(spelling).as_deref(), Ok(form), "{spelling}");
            assert_eq!(canonical(form).as_deref(), Ok(form), "the form stands for itself");
        }
        for none in ["", ".", "..", "%2e", ".%2E", "%2e%2e", "%ff", "a%c3", "%C3ü", "%ed%a0%80"] {
            assert_eq!(canonical(none), Err(InvalidName), "{none}");
        }
    }

    proptest! {
        #[test]
        fn a_form_stands_for_itself_and_for_one_plain_name(name in "\\PC{0,12}|[a%2345cCeE./ü^ ]{0,12}") {
            if let Ok(form) = canonical(&name) {
                prop_assert_eq!(canonical(&form), Ok(Cow::Borrowed(&*form)));
                let plain = percent_decode_str(&form).decode_utf8().unwrap();
                prop_assert_eq!(escape(&plain), &*form);
            }
            if !["", ".", ".."].contains(&&*name) {
                let form = escape(&name);
                prop_assert_eq!(canonical(&form), Ok(Cow::Borrowed(&*form)));
            }
        }
    }
}
